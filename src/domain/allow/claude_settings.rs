//! A rule more in the text of a settings file of Claude Code, and nothing else changed in it.
//!
//! Invariant: pure. The text is amended where the rule belongs: order, unknown keys and spaces
//! stay as somebody wrote them. What is no JSON, or has another shape, is left alone.

use std::ops::Range;

use serde_json::Value;

use crate::domain::text::fault;

/// Where such a file is, relative to the top level of a checkout.
pub(crate) const FILE: &str = ".claude/settings.local.json";

/// The text of a file that is new.
fn fresh(rule: &str) -> String {
    format!("{{\n  \"permissions\": {{\n    \"allow\": [\n      {rule}\n    ]\n  }}\n}}\n")
}

/// Returns the text with this rule among `permissions.allow`; `None` where it is there already.
///
/// The error says what is wrong with the text.
pub(crate) fn with_rule(text: &str, rule: &str) -> Result<Option<String>, String> {
    let quoted = Value::from(rule).to_string();
    if text.trim().is_empty() {
        return Ok(Some(fresh(&quoted)));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| fault::json_at(&error))?;
    let wrong = |key: &str, shape: &str| Err(format!("{key} is not {shape}"));
    if !value.is_object() {
        return wrong("its content", "a JSON object");
    }
    let top = text.find('{').unwrap_or_default();
    let Some(permissions) = member(text, top, "permissions") else {
        return Ok(Some(added(text, top, &format!("\"permissions\": {{\"allow\": [{quoted}]}}"))));
    };
    if !value["permissions"].is_object() {
        return wrong("`permissions`", "a JSON object");
    }
    let Some(allow) = member(text, permissions.start, "allow") else {
        return Ok(Some(added(text, permissions.start, &format!("\"allow\": [{quoted}]"))));
    };
    let Some(rules) = value["permissions"]["allow"].as_array() else {
        return wrong("`permissions.allow`", "a list");
    };
    if rules.iter().any(|known| known == rule) {
        Ok(None)
    } else {
        Ok(Some(added(text, allow.start, &quoted)))
    }
}

/// Puts something last into the object or list that begins here, set apart as its neighbour is.
fn added(text: &str, begin: usize, what: &str) -> String {
    let parts = parts(text, begin);
    match parts.last() {
        None => format!("{}{what}{}", &text[..=begin], &text[begin + 1..]),
        Some(last) => {
            let before = text[..last.start].rfind(['{', '[', ',']).map_or(begin, |at| at);
            let space: String =
                text[before + 1..last.start].chars().take_while(|c| c.is_whitespace()).collect();
            // One value on a line of its own has no neighbour to copy: `[a, b]`.
            let space = if space.is_empty() && parts.len() == 1 { " ".to_owned() } else { space };
            format!("{},{space}{what}{}", &text[..last.end], &text[last.end..])
        }
    }
}

/// Returns where the value of a key stands, in the object that begins here; of several, the last.
fn member(text: &str, begin: usize, key: &str) -> Option<Range<usize>> {
    let of_key = |part: &Range<usize>| {
        let name = string_end(text, part.start);
        let named: String = serde_json::from_str(&text[part.start..name]).ok()?;
        let colon = name + text[name..].find(':')?;
        let value = colon + 1 + text[colon + 1..].find(|c: char| !c.is_whitespace())?;
        (named == key).then_some(value..part.end)
    };
    // Of a repeated key, readers of JSON take the last one.
    parts(text, begin).iter().rev().find_map(of_key)
}

/// Returns where the members of an object, or the values of a list, stand that begins here.
fn parts(text: &str, begin: usize) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let (mut parts, mut depth, mut at) = (Vec::new(), 0, begin);
    let mut start = None;
    while at < bytes.len() {
        let byte = bytes[at];
        let is_top = depth == 1;
        if is_top && matches!(byte, b',' | b'}' | b']') {
            parts.extend(start.take().map(|start: usize| start..trimmed(text, start, at)));
        } else if is_top && !byte.is_ascii_whitespace() {
            start.get_or_insert(at);
        }
        match byte {
            b'"' => at = string_end(text, at) - 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if is_top => break,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    parts
}

fn trimmed(text: &str, start: usize, end: usize) -> usize {
    start + text[start..end].trim_end().len()
}

/// Returns where a string ends that begins here: behind its closing quote.
fn string_end(text: &str, begin: usize) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(begin + 1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with(text: &str) -> String {
        with_rule(text, "Bash(make lint)").expect("sound").expect("new")
    }

    #[test]
    fn a_rule_is_added_where_it_belongs_and_nothing_else_changes() {
        assert_eq!(
            with(
                "{\n  \"env\": {\"A\": \"}\"},\n  \"permissions\": {\n    \"deny\": [],\n    \
                  \"allow\": [\n      \"Edit\",\n      \"x \\\"]\"\n    ]\n  },\n  \"z\": 1\n}\n"
            ),
            "{\n  \"env\": {\"A\": \"}\"},\n  \"permissions\": {\n    \"deny\": [],\n    \
             \"allow\": [\n      \"Edit\",\n      \"x \\\"]\",\n      \"Bash(make lint)\"\n    ]\n  \
             },\n  \"z\": 1\n}\n"
        );
        assert_eq!(
            with("{\"b\":1,\"a\":2}"),
            "{\"b\":1,\"a\":2,\"permissions\": {\"allow\": [\"Bash(make lint)\"]}}"
        );
        assert_eq!(with("{}"), "{\"permissions\": {\"allow\": [\"Bash(make lint)\"]}}");
        assert_eq!(
            with("{\"permissions\":{\"allow\":[]}}"),
            "{\"permissions\":{\"allow\":[\"Bash(make lint)\"]}}"
        );
        assert_eq!(
            with("{\n  \"permissions\": {\n    \"deny\": [\"x\"]\n  }\n}"),
            "{\n  \"permissions\": {\n    \"deny\": [\"x\"],\n    \"allow\": [\"Bash(make lint)\"]\n  }\n}"
        );
        assert!(with("").ends_with("\n}\n"));
    }

    #[test]
    fn what_is_there_is_left_and_what_is_not_understood_is_refused() {
        let has = "{\"permissions\":{\"allow\":[\"Bash(make lint)\"]}}";
        assert_eq!(with_rule(has, "Bash(make lint)"), Ok(None));
        for text in
            ["{", "[]", "{\"permissions\":[]}", "{\"permissions\":{\"allow\":{}}}", "// x\n{}"]
        {
            assert!(with_rule(text, "Edit").is_err(), "{text}");
        }
    }

    /// Any JSON, a few levels deep.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z{}\\[\\],:\"\\\\ é]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            let key = prop_oneof![
                Just("permissions".to_owned()),
                Just("allow".to_owned()),
                "[a-z\"\\\\{},]{0,4}",
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..4).prop_map(|map| Value::from(
                    map.into_iter().collect::<serde_json::Map<_, _>>()
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_in_it_the_rule_is_added_and_the_rest_is_the_same(
            value in any_json(), is_pretty in any::<bool>()
        ) {
            let text = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let text = text.expect("JSON");
            if let Ok(Some(new)) = with_rule(&text, "Edit") {
                let mut expected = value;
                let permissions = expected.as_object_mut().expect("an object")
                    .entry("permissions").or_insert_with(|| serde_json::json!({}));
                let allow = permissions.as_object_mut().expect("an object")
                    .entry("allow").or_insert_with(|| serde_json::json!([]));
                allow.as_array_mut().expect("a list").push("Edit".into());
                prop_assert_eq!(serde_json::from_str::<Value>(&new).expect("JSON"), expected);
            }
        }
    }
}
