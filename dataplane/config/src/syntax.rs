//! What the parser trips over, with the remedy that its line suggests

use toml::de::Error;

use crate::problem::Draft;
use crate::source::Span;

/// Turns the parser's error into one with a remedy.
pub(crate) fn explain(file: usize, text: &str, error: &Error) -> Draft {
    let range = error.span().unwrap_or(text.len()..text.len());
    let (what, help) = remedy(line_at(text, range.start), error.message());
    Draft::error(format!("not legal TOML: {what}"))
        .at(Span::new(file, range), "here")
        .help(help)
}

fn line_at(text: &str, offset: usize) -> &str {
    // An error at the end of a line may be counted to its line break.
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    text[start..].lines().next().unwrap_or("").trim()
}

/// What people most often forget, judged by the line alone: what is wrong, and what to write.
fn remedy(line: &str, parser_says: &str) -> (String, String) {
    let says = parser_says.to_owned();
    if parser_says.contains("duplicate key") {
        let help = "remove one of the two; for one more element of a list write [[name]]";
        return (
            "a key or a section stands here for the second time".to_owned(),
            help.to_owned(),
        );
    }
    if line.starts_with('[') {
        let help = match line.ends_with(']') {
            true => "write a section as [name] and an element of a list as [[name]]".to_owned(),
            false => format!("close the brackets: {line}]"),
        };
        return (says, help);
    }
    let Some((key, value)) = line.split_once('=') else {
        return (
            says,
            "write key = value, or begin a comment with #".to_owned(),
        );
    };
    let (key, value) = (key.trim(), value.split(" #").next().unwrap_or("").trim());
    match value.chars().next() {
        None => (
            format!("{key} has no value"),
            format!("write a value after {key} ="),
        ),
        Some('"') if !value[1..].contains('"') => (
            format!("the string after {key} has no end"),
            format!("write {key} = {value}\""),
        ),
        Some('[') => (says, format!("write a list as {key} = [first, second]")),
        Some('"' | '\'' | '{') => (
            says,
            "end the line after the value, or put a # before the rest".to_owned(),
        ),
        Some(_) => {
            let what = format!("{value} is neither a number nor a string in double quotes");
            (what, format!("write {key} = \"{value}\""))
        }
    }
}
