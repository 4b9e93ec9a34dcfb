//! Headers of an answer in every form that HTTP clients have: pairs, or a record whose values may be lists.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

/// Headers of a request, names in any case. The JSON form is a list of pairs, or a record whose values may be lists.
/// `Debug` prints none: a header may hold a key.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Headers(#[serde(deserialize_with = "read")] pub Vec<(String, String)>);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Headers").finish_non_exhaustive()
    }
}

/// Reads headers as pairs of name and value, or as a record (as Node's `http` and the JSON form of `Headers` in Bun). A
/// list of values becomes several pairs, and null none.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, String)>, D::Error> {
    deserializer.deserialize_any(HeadersVisitor)
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pairs of name and value, or a record")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<Self::Value, A::Error> {
        let mut headers = Vec::new();
        while let Some((name, value)) = pairs.next_element::<(String, Value)>()? {
            add(&mut headers, &name, value)?;
        }
        Ok(headers)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut record: A) -> Result<Self::Value, A::Error> {
        let mut headers = Vec::new();
        while let Some((name, value)) = record.next_entry::<String, Value>()? {
            add(&mut headers, &name, value)?;
        }
        Ok(headers)
    }
}

fn add<E: Error>(headers: &mut Vec<(String, String)>, name: &str, value: Value) -> Result<(), E> {
    let values = match value {
        Value::Array(values) => values,
        value => vec![value],
    };
    for value in values {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Array(_) | Value::Object(_) => return Err(E::custom("a header's value is text or a list of texts")),
        };
        headers.push((name.to_owned(), text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::Response;

    #[test]
    fn headers_are_pairs_or_a_record() {
        let all = [("a", "1"), ("b", "2"), ("b", "3")];
        for (headers, expected) in [
            (json!(null), Some(&all[..0])),
            (json!([]), Some(&all[..0])),
            (json!({}), Some(&all[..0])),
            (json!([["a", "1"], ["b", "2"], ["b", "3"]]), Some(&all)),
            (json!([["a", "1"], ["b", ["2", "3"]]]), Some(&all)),
            (json!({ "a": "1", "b": ["2", "3"] }), Some(&all)),
            (json!({ "a": 1, "gone": null, "b": [2, "3"] }), Some(&all)),
            (json!([["a", "1", "2"]]), None),
            (json!([["a"]]), None),
            (json!(["a", "1"]), None),
            (json!({ "a": {} }), None),
            (json!({ "a": [["1"]] }), None),
            (json!("a: 1"), None),
            (json!(1), None),
        ] {
            let read = serde_json::from_value::<Response>(json!({ "headers": headers })).ok();
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let expected = expected.map(|pairs| pairs.iter().map(owned).collect::<Vec<_>>());
            let read = read.map(|response| response.headers);
            assert_eq!(read, expected, "{headers}");
        }
    }
}
