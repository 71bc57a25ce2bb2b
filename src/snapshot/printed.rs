//! Values as the program prints them that they belong to.

use serde_json::{Map, Value};

/// Values of the options of a configuration as `exim -bP` prints them: what cannot be printed is escaped. Whether octets beyond ASCII are printed
/// as they are is the value.
pub(super) fn as_exim(configuration: &mut Map<String, Value>) -> bool {
    let whole = configuration.get("main").and_then(|main| main.get("print_topbitchars"));
    let whole = whole.and_then(|set| set.get("value")).is_some_and(|value| value == "true");
    configuration.values_mut().for_each(|value| escape(value, whole));
    whole
}

/// The same for one value. `whole`: whether octets beyond ASCII are printed as they are.
pub(super) fn escape(value: &mut Value, whole: bool) {
    let as_it_is = |c: char| if c.is_ascii() { !c.is_ascii_control() } else { whole };
    match value {
        Value::Object(all) => {
            for (key, inner) in all {
                match inner {
                    Value::String(text) if key == "value" && !text.chars().all(as_it_is) => {
                        *text = text.chars().map(|c| if as_it_is(c) { c.to_string() } else { escaped(c) }).collect();
                    }
                    inner => escape(inner, whole),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|value| escape(value, whole)),
        _ => {}
    }
}

fn escaped(c: char) -> String {
    match c {
        '\n' => "\\n".into(),
        '\t' => "\\t".into(),
        '\r' => "\\r".into(),
        '\u{8}' => "\\b".into(),
        '\u{b}' => "\\v".into(),
        '\u{c}' => "\\f".into(),
        c => c.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("\\{byte:03o}")).collect(),
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
        as_exim(value.as_object_mut().unwrap());
        assert_eq!(value["smtp_banner"]["value"], "a\\nb\\tc\\001");
        assert_eq!(value["smtp_banner"]["origin"]["text"], "x\ty", "a line of a file stays as it is");
        assert_eq!(value["drivers"][0]["x"]["value"], "\\r");
    }
    #[test]
    fn octets_beyond_ascii_are_escaped_unless_they_may_be_printed() {
        for (main, banner) in [
            (serde_json::json!({"smtp_banner": {"value": "\u{fc} ESMTP"}}), "\\303\\274 ESMTP"),
            (
                serde_json::json!({"smtp_banner": {"value": "\u{fc} ESMTP"}, "print_topbitchars": {"value": "true"}}),
                "\u{fc} ESMTP",
            ),
        ] {
            let mut configuration = serde_json::json!({ "main": main });
            as_exim(configuration.as_object_mut().unwrap());
            assert_eq!(configuration["main"]["smtp_banner"]["value"], banner);
        }
    }
}
