//! Values as the program prints them that they belong to.

use serde_json::Value;

/// Values of options as `exim -bP` prints them: what cannot be printed is escaped.
pub(super) fn as_exim(value: &mut Value) {
    match value {
        Value::Object(all) => {
            for (key, inner) in all {
                match inner {
                    Value::String(text) if key == "value" && text.contains(|c: char| c.is_ascii_control()) => {
                        *text = text.chars().map(exim_escape).collect();
                    }
                    inner => as_exim(inner),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(as_exim),
        _ => {}
    }
}

fn exim_escape(c: char) -> String {
    match c {
        '\n' => "\\n".into(),
        '\t' => "\\t".into(),
        '\r' => "\\r".into(),
        '\u{8}' => "\\b".into(),
        '\u{b}' => "\\v".into(),
        '\u{c}' => "\\f".into(),
        c if c.is_ascii_control() => format!("\\{:03o}", u32::from(c)),
        c => c.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_printed_is_escaped_as_exim_does() {
        let mut value = serde_json::json!({
            "smtp_banner": {"value": "a\nb\tc\u{1}", "origin": {"text": "x\ty"}}, "drivers": [{"x": {"value": "\r"}}]
        });
        as_exim(&mut value);
        assert_eq!(value["smtp_banner"]["value"], "a\\nb\\tc\\001");
        assert_eq!(value["smtp_banner"]["origin"]["text"], "x\ty", "a line of a file stays as it is");
        assert_eq!(value["drivers"][0]["x"]["value"], "\\r");
    }
}
