//! What the operator asked for: the TOML file, validated, with errors that point at line and column
