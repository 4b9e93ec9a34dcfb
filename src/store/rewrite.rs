//! Rewrite of a JSON text with a new value: a structural diff that keeps the text of all equal parts.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, Number, Value};

use super::raw::{self, Container, Item};

/// Returns the JSON text `text` with the value `new`.
///
/// Parts with equal values keep their text. Members keep their order, and new members are appended. Rows of a list are
/// matched by `id`, then by content, then by place. Of a duplicate name the last member counts, so only the last member
/// changes.
pub(super) fn rewrite(text: &str, new: &Value) -> String {
    let from_json = raw::without_bom(text).trim_start();
    let json = from_json.trim_end();
    let before = text.strip_suffix(from_json).unwrap_or_default();
    let after = from_json.strip_prefix(json).unwrap_or_default();
    let style = Style::of(json);
    let mut out = String::with_capacity(text.len());
    out.push_str(before);
    rewrite_value(&mut out, json, new, Layout { style: &style, indent: "", on_lines: style.on_lines });
    out.push_str(after);
    out
}

/// Style of a document, for parts without neighbours to imitate.
struct Style<'a> {
    /// Whether each item of a list or object is on its own line.
    on_lines: bool,
    newline: &'static str,
    /// One level of indentation.
    unit: &'a str,
    colon: &'a str,
    /// Separator of items on one line.
    comma: &'a str,
}

impl<'a> Style<'a> {
    fn of(json: &'a str) -> Self {
        let items = Container::read(json).map(|root| root.items).unwrap_or_default();
        let indent = items.first().map_or(Some("  "), |first| last_line(first.gap));
        let colon = items.first().map(|first| first.colon).filter(|colon| !colon.is_empty()).unwrap_or(": ");
        let comma = items.get(1).map(|second| second.gap).filter(|gap| !gap.contains('\n'));
        Self {
            on_lines: indent.is_some(),
            // Strings contain no raw line ends, so this line end is between tokens.
            newline: if json.bytes().zip(json.bytes().skip(1)).any(|pair| pair == (b'\r', b'\n')) {
                "\r\n"
            } else {
                "\n"
            },
            unit: indent.unwrap_or("  "),
            colon,
            comma: comma.unwrap_or(if colon == ":" { "," } else { ", " }),
        }
    }
}

/// Layout at the place of a value.
#[derive(Clone, Copy)]
struct Layout<'a> {
    style: &'a Style<'a>,
    /// Indentation of the line on which the value begins.
    indent: &'a str,
    /// Whether a new list or object puts each item on its own line.
    on_lines: bool,
}

fn rewrite_value(out: &mut String, old: &str, new: &Value, layout: Layout<'_>) {
    match (Container::read(old), new) {
        (Some(old), Value::Object(new)) if old.is_object => rewrite_object(out, &old, new, layout),
        (Some(old), Value::Array(new)) if !old.is_object => rewrite_array(out, &old, new, layout),
        _ if same(&raw::value(old), new) => out.push_str(old),
        _ => write(out, new, layout),
    }
}

fn write(out: &mut String, new: &Value, layout: Layout<'_>) {
    let empty = |is_object| Container { is_object, items: Vec::new(), trail: "" };
    match new {
        Value::Object(new) => rewrite_object(out, &empty(true), new, layout),
        Value::Array(new) => rewrite_array(out, &empty(false), new, layout),
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn rewrite_object(out: &mut String, old: &Container<'_>, new: &Map<String, Value>, layout: Layout<'_>) {
    let names: Vec<_> = old.items.iter().map(|item| raw::text(item.key)).collect();
    let last: FxHashMap<&str, usize> = names.iter().map(String::as_str).zip(0_usize..).collect();
    let colon = old.items.first().map_or(layout.style.colon, |item| item.colon);
    let seams = Seams::of(old, layout);
    let mut items = ItemWriter::open(out, '{', &seams);
    for ((at, item), name) in old.items.iter().enumerate().zip(&names) {
        if let Some(value) = new.get(name) {
            let out = items.next((at > 0).then_some(item.gap));
            out.push_str(item.key);
            out.push_str(item.colon);
            match last.get(name.as_str()) == Some(&at) {
                true => rewrite_value(out, item.value, value, seams.inside(layout)),
                false => out.push_str(item.value),
            }
        }
    }
    for (name, value) in new.iter().filter(|(name, _)| !last.contains_key(name.as_str())) {
        let out = items.next(None);
        out.push_str(&Value::from(name.as_str()).to_string());
        out.push_str(colon);
        write(out, value, seams.inside(layout));
    }
    items.close('}');
}

fn rewrite_array(out: &mut String, old: &Container<'_>, new: &[Value], layout: Layout<'_>) {
    let seams = Seams::of(old, layout);
    let inside = seams.inside(layout);
    let like_the_last = Layout { on_lines: old.items.last().map_or(inside.on_lines, is_on_lines), ..inside };
    let mut items = ItemWriter::open(out, '[', &seams);
    for (value, origin) in new.iter().zip(origins(&old.items, new)) {
        match origin.and_then(|origin| Some((origin, old.items.get(origin.at)?))) {
            Some((Origin { at, same }, item)) => {
                let out = items.next((at > 0).then_some(item.gap));
                match same {
                    true => out.push_str(item.value),
                    false => rewrite_value(out, item.value, value, inside),
                }
            }
            None => write(items.next(None), value, like_the_last),
        }
    }
    items.close(']');
}

/// Returns whether an element in the layout of this one puts each item on its own line.
fn is_on_lines(item: &Item<'_>) -> bool {
    item.value.contains('\n') || Container::read(item.value).is_none_or(|container| container.items.is_empty())
}

/// Text around and between the items of a list or object.
struct Seams<'a> {
    /// Before the first item.
    lead: String,
    /// Before each further item that is new or was the first.
    separator: String,
    /// After the last item.
    trail: String,
    /// Between the brackets if there are no items.
    empty: &'a str,
    /// Indentation of the items' lines; `None` if all items are on one line.
    indent: Option<String>,
}

impl<'a> Seams<'a> {
    fn of(old: &Container<'a>, layout: Layout<'_>) -> Self {
        let Style { newline, unit, comma, .. } = *layout.style;
        let Some(first) = old.items.first() else {
            return match layout.on_lines {
                true => Self {
                    lead: format!("{newline}{}{unit}", layout.indent),
                    separator: format!(",{newline}{}{unit}", layout.indent),
                    trail: format!("{newline}{}", layout.indent),
                    empty: old.trail,
                    indent: Some(format!("{}{unit}", layout.indent)),
                },
                false => Self {
                    lead: String::new(),
                    separator: comma.to_owned(),
                    trail: String::new(),
                    empty: old.trail,
                    indent: None,
                },
            };
        };
        let indent = last_line(first.gap);
        let separator = match (old.items.get(1), indent) {
            (Some(second), _) => second.gap.to_owned(),
            (None, Some(indent)) => format!(",{newline}{indent}"),
            (None, None) => comma.to_owned(),
        };
        Self {
            lead: first.gap.to_owned(),
            separator,
            trail: old.trail.to_owned(),
            empty: "",
            indent: indent.map(str::to_owned),
        }
    }

    /// Returns the layout of an item.
    fn inside<'p>(&'p self, layout: Layout<'p>) -> Layout<'p> {
        Layout { indent: self.indent.as_deref().unwrap_or(layout.indent), on_lines: self.indent.is_some(), ..layout }
    }
}

/// Writer of items and separators.
struct ItemWriter<'a> {
    out: &'a mut String,
    seams: &'a Seams<'a>,
    is_empty: bool,
}

impl<'a> ItemWriter<'a> {
    fn open(out: &'a mut String, bracket: char, seams: &'a Seams<'a>) -> Self {
        out.push(bracket);
        Self { out, seams, is_empty: true }
    }

    /// Writes the separator and returns the output for the next item; `gap` is the old separator, if the item had one.
    fn next(&mut self, gap: Option<&str>) -> &mut String {
        let gap = match self.is_empty {
            true => &self.seams.lead,
            false => gap.unwrap_or(&self.seams.separator),
        };
        self.out.push_str(gap);
        self.is_empty = false;
        self.out
    }

    fn close(self, bracket: char) {
        self.out.push_str(if self.is_empty { self.seams.empty } else { &self.seams.trail });
        self.out.push(bracket);
    }
}

/// Old element that a new element is matched with.
#[derive(Clone, Copy)]
struct Origin {
    at: usize,
    same: bool,
}

/// Matches each element of the new list with an old element, in this order: equal elements at both ends, equal elements
/// in between, the same id, the same content apart from the id, the same place among the remaining elements.
fn origins(old: &[Item<'_>], new: &[Value]) -> impl Iterator<Item = Option<Origin>> {
    let equal = |(item, value): &(&Item<'_>, &Value)| same(&raw::value(item.value), value);
    let head = old.iter().zip(new).take_while(equal).count();
    let shorter = old.len().min(new.len()).saturating_sub(head);
    let tail = old.iter().rev().zip(new.iter().rev()).take(shorter).take_while(equal).count();
    let (old_end, new_end) = (old.len().saturating_sub(tail), new.len().saturating_sub(tail));

    let old_middle = (head..).zip(old.get(head..old_end).unwrap_or_default());
    let changed = changed_origins(old_middle, new.get(head..new_end).unwrap_or_default());
    let kept = |at| Some(Origin { at, same: true });
    let changed = changed.into_iter().map(|at| at.map(|at| Origin { at, same: false }));
    (0..head).map(kept).chain(changed).chain((old_end..old.len()).map(kept))
}

fn changed_origins<'a>(old: impl Iterator<Item = (usize, &'a Item<'a>)>, new: &[Value]) -> Vec<Option<usize>> {
    let new_ids: FxHashSet<_> = new.iter().filter_map(id).collect();
    // A new id may have been assigned to a row without an id, or to a row whose id was a duplicate.
    let stays = |value: &Value| id(value).is_none_or(|id| new_ids.contains(id));
    let old = old.map(|(at, item)| (at, raw::value(item.value))).filter(|(_, value)| stays(value));
    let mut left: Vec<_> = old.map(Some).collect();
    let mut found = vec![None; new.len()];
    let shared = shared_ids(left.iter().flatten().map(|(_, value)| value), new);
    // A unique id matches an equal row by itself, which avoids comparing whole rows.
    let whole = |value: &Value| id(value).is_none_or(|id| shared.contains(id)).then(|| value.to_string());
    let keys: [MatchKey<'_>; 3] = [&whole, &|value| id(value).map(str::to_owned), &content];
    for key in keys {
        let mut places = FxHashMap::<_, VecDeque<usize>>::default();
        for (place, value) in left.iter().enumerate() {
            if let Some(key) = value.as_ref().and_then(|(_, value)| key(value)) {
                places.entry(key).or_default().push_back(place);
            }
        }
        for (found, value) in found.iter_mut().zip(new).filter(|(found, _)| found.is_none()) {
            let place = key(value).and_then(|key| places.get_mut(&key)?.pop_front());
            *found = place.and_then(|place| left.get_mut(place)?.take()).map(|(at, _)| at);
        }
    }
    let mut left = left.into_iter().flatten().map(|(at, _)| at);
    found.into_iter().map(|at| at.or_else(|| left.next())).collect()
}

/// Key by which rows are matched.
type MatchKey<'a> = &'a dyn Fn(&Value) -> Option<String>;

/// Returns the ids of more than one old element or more than one new element.
fn shared_ids<'a>(old: impl Iterator<Item = &'a Value>, new: &'a [Value]) -> FxHashSet<String> {
    let (mut of_old, mut of_new) = (FxHashSet::default(), FxHashSet::default());
    let old = old.filter_map(id).filter(|id| !of_old.insert(*id));
    let new = new.iter().filter_map(id).filter(|id| !of_new.insert(*id));
    old.chain(new).map(str::to_owned).collect()
}

/// Returns the element's content apart from its id.
fn content(value: &Value) -> Option<String> {
    let mut value = value.clone();
    value.as_object_mut()?.shift_remove("id");
    Some(value.to_string())
}

fn id(row: &Value) -> Option<&str> {
    row.get("id")?.as_str()
}

/// Returns the whitespace after the last line end; `None` if there is no line end.
fn last_line(gap: &str) -> Option<&str> {
    gap.rsplit_once('\n').map(|(_, line)| line)
}

/// Returns whether two values are equal. Numbers are compared by value, so 1 equals 1.0.
fn same(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Number(old), Value::Number(new)) => same_number(old, new),
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same(old, new))
        }
        (Value::Object(old), Value::Object(new)) => {
            old.len() == new.len() && old.iter().all(|(name, old)| new.get(name).is_some_and(|new| same(old, new)))
        }
        _ => old == new,
    }
}

fn same_number(old: &Number, new: &Number) -> bool {
    match (whole(old), whole(new)) {
        (None, None) => old.as_f64() == new.as_f64(),
        (old, new) => old == new,
    }
}

/// Returns a number as an exact integer; `None` for fractions and for floats beyond 2^100.
fn whole(number: &Number) -> Option<i128> {
    const MAX: f64 = (1_u128 << 100) as f64;
    number.as_i128().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= MAX)?;
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^100")]
        Some(float as i128)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn new_text_takes_the_style_of_its_surroundings() {
        let cases = [
            // Two spaces, as the reference writes.
            (
                "{\n  \"a\": 1\n}\n",
                json!({ "a": 1, "b": [1, {}] }),
                "{\n  \"a\": 1,\n  \"b\": [\n    1,\n    {}\n  ]\n}\n",
            ),
            ("{\n  \"a\": [],\n  \"b\": 1\n}", json!({ "a": [[2]] }), "{\n  \"a\": [\n    [\n      2\n    ]\n  ]\n}"),
            // Tabs, and Windows line ends.
            (
                "{\r\n\t\"a\": {}\r\n}\r\n",
                json!({ "a": { "b": 1 } }),
                "{\r\n\t\"a\": {\r\n\t\t\"b\": 1\r\n\t}\r\n}\r\n",
            ),
            // One line, dense and spaced.
            (r#"{"a":1}"#, json!({ "a": 1, "b": [1, 2] }), r#"{"a":1,"b":[1,2]}"#),
            (r#"{"a": 1, "b": 2}"#, json!({ "b": 3, "c": [1, 2] }), r#"{"b": 3, "c": [1, 2]}"#),
            // Rows on a line each, in a document that otherwise is not.
            (
                "{\n  \"rows\": [\n    {\"id\": \"a\"},\n    {\"id\": \"b\"}\n  ]\n}",
                json!({ "rows": [{ "id": "b" }, { "id": "c", "n": 1 }] }),
                "{\n  \"rows\": [\n    {\"id\": \"b\"},\n    {\"id\": \"c\", \"n\": 1}\n  ]\n}",
            ),
            // Brackets side by side.
            (
                "{\n  \"rows\": [{\n    \"id\": \"a\"\n  }]\n}",
                json!({ "rows": [{ "id": "a" }, { "id": "b" }] }),
                "{\n  \"rows\": [{\n    \"id\": \"a\"\n  }, {\n    \"id\": \"b\"\n  }]\n}",
            ),
            // Nothing is left; nothing was there.
            ("{\n  \"a\": 1\n}", json!({}), "{}"),
            ("{}\n", json!({ "a": 1 }), "{\n  \"a\": 1\n}\n"),
            // A byte order mark, and white space all around.
            ("\u{feff} [ 1 ] \n", json!([2]), "\u{feff} [ 2 ] \n"),
        ];
        for (old, new, expected) in cases {
            assert_eq!(rewrite(old, &new), expected, "{old} with {new}");
        }
    }

    #[test]
    fn equal_values_keep_their_text() {
        let old = r#"{ "one":1.0, "far":1e400, "long":12345678901234567890123, "\u0065":"\u00e9\/", "lone":"\ud800",
            "twice":1, "none":[ ], "twice":2 }"#;
        let value = raw::value(old);
        assert_eq!(rewrite(old, &value), old);
        let whole = json!({ "one": 1, "far": f64::MAX, "long": 12_345_678_901_234_567_890_123_f64, "e": "é/",
            "lone": value["lone"], "none": [], "twice": 3 });
        assert_eq!(rewrite(old, &whole), old.replace(r#""twice":2"#, r#""twice":3"#));
    }

    #[test]
    fn numbers_are_compared_exactly() {
        let cases = [("1", json!(1.0), true), ("-0.0", json!(0), true), ("1e2", json!(100), true)];
        let others = [
            ("9007199254740993", json!(9_007_199_254_740_992.0), false),
            ("18446744073709551615", json!(18_446_744_073_709_551_616.0), false),
            ("0.1", json!(0.100_000_000_000_000_02), false),
        ];
        for (old, new, expected) in cases.into_iter().chain(others) {
            assert_eq!(rewrite(old, &new) == old, expected, "{old} and {new}");
        }
    }

    #[test]
    fn rows_are_matched_by_their_id() {
        let old = r#"{"rows":[ {"id":"a","n":1.0}, {"n":2.0}, {"id":"b","n":3.0} ,{"id":"b","n":4.0}]}"#;
        let cases = [
            // New ids for a row without an id and for a row with a duplicate id.
            (
                json!([{"id":"a","n":1}, {"n":2,"id":"c"}, {"id":"b","n":3}, {"id":"d","n":4}]),
                r#"{"rows":[ {"id":"a","n":1.0}, {"n":2.0,"id":"c"}, {"id":"b","n":3.0} ,{"id":"d","n":4.0}]}"#,
            ),
            (json!([{"n":2}, {"id":"b","n":5}]), r#"{"rows":[ {"n":2.0}, {"id":"b","n":5}]}"#),
            // Equal rows match at any place.
            (
                json!([{"id":"e"}, {"n":2.0,"id":"c"}, {"id":"d","n":4.0}, {"id":"b","n":3.5}]),
                r#"{"rows":[ {"id":"e"}, {"n":2.0,"id":"c"} ,{"id":"d","n":4.0}, {"id":"b","n":3.5}]}"#,
            ),
            (json!([{"id":"b","n":3}, {"id":"a","n":1}]), r#"{"rows":[ {"id":"b","n":3.0}, {"id":"a","n":1.0}]}"#),
        ];
        for (rows, expected) in cases {
            assert_eq!(rewrite(old, &json!({ "rows": rows })), expected, "{rows}");
        }
    }

    proptest! {
        #[test]
        fn a_value_that_did_not_change_keeps_its_text(text in json_text()) {
            prop_assert_eq!(rewrite(&text, &raw::value(text.trim())), text);
        }

        #[test]
        fn the_written_text_has_the_new_value(text in json_text(), new in json_text()) {
            let new = raw::value(new.trim());
            let written = rewrite(&text, &new);
            prop_assert!(same(&raw::parse(&written).unwrap(), &new), "{}", written);
        }

        #[test]
        fn a_second_writing_changes_nothing(text in json_text(), new in json_text()) {
            let new = raw::value(new.trim());
            let once = rewrite(&text, &new);
            prop_assert_eq!(rewrite(&once, &new), once);
        }
    }

    /// Generates JSON of all forms, with names from a small set, so that two texts share many names.
    fn json_text() -> impl Strategy<Value = String> {
        let space = || prop::sample::select(vec!["", "", " ", "\n  ", "\r\n\t"]);
        let scalar = prop::sample::select(vec![
            "null",
            "true",
            "0",
            "-0.0",
            "1",
            "1.0",
            "1e400",
            "-1e400",
            "12345678901234567890123",
            "0.1",
            "\"\"",
            "\"id\"",
            "\"\\u00e9\"",
            "\"é\"",
            "\"\\ud800\"",
            "\"a\\\\\\\"[{,:\"",
        ]);
        let name =
            prop::sample::select(vec!["\"id\"", "\"a\"", "\"\\u0061\"", "\"b\"", "\"$serde_json::private::RawValue\""]);
        let text = scalar.prop_map(str::to_owned).prop_recursive(4, 40, 6, move |inner| {
            let element =
                (space(), inner.clone(), space()).prop_map(|(before, value, after)| [before, &value, after].concat());
            let member = (space(), name.clone(), space(), element.clone())
                .prop_map(|(before, name, after, value)| format!("{before}{name}{after}:{value}"));
            prop_oneof![
                (prop::collection::vec(element, 0..6), space())
                    .prop_map(|(items, space)| bracket('[', &items, space, ']')),
                (prop::collection::vec(member, 0..6), space())
                    .prop_map(|(items, space)| bracket('{', &items, space, '}')),
            ]
        });
        (space(), text, space()).prop_map(|(before, text, after)| format!("{before}{text}{after}"))
    }

    fn bracket(open: char, items: &[String], space: &str, close: char) -> String {
        let items = if items.is_empty() { space.to_owned() } else { items.join(",") };
        format!("{open}{items}{close}")
    }
}
