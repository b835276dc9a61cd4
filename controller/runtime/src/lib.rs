//! How the controller acts: its thread, neighbour discovery, control endpoint, table publication
