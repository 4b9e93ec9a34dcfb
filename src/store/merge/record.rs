//! JSON form of merge metadata. Written by hand: the code that `serde` derives for these types is a fifth of the wasm.

use serde_json::{Map, Value};

use crate::{
    secret::Fingerprint,
    sorted::Sorted,
    stamp::{HostId, Stamp},
    store::change::Generation,
    time::Timestamp,
};

/// Value of merge metadata with a JSON form. `read` returns `None` for another shape.
pub(super) trait Record: Sized {
    fn read(value: &Value) -> Option<Self>;
    fn write(&self) -> Value;
}

/// Reader of a record's fields.
pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        value.as_object().map(Self)
    }

    pub(super) fn read<T: Record>(&self, name: &str) -> Option<T> {
        T::read(self.0.get(name)?)
    }

    /// Reads an optional field; the default if it is missing.
    pub(super) fn read_or_default<T: Record + Default>(&self, name: &str) -> Option<T> {
        self.0.get(name).map_or_else(|| Some(T::default()), T::read)
    }
}

/// Field of a record to write.
pub(super) struct Field {
    name: &'static str,
    value: Value,
    /// Whether an empty value is left out.
    is_optional: bool,
}

/// Returns a field that is always written.
pub(super) fn field(name: &'static str, value: &impl Record) -> Field {
    Field { name, value: value.write(), is_optional: false }
}

/// Returns a field that is left out if its value is empty.
pub(super) fn unless_empty(name: &'static str, value: &impl Record) -> Field {
    Field { name, value: value.write(), is_optional: true }
}

/// Returns a record with these fields, in the given order.
pub(super) fn record(fields: Vec<Field>) -> Value {
    let mut record = Map::new();
    for Field { name, value, is_optional } in fields {
        if !(is_optional && is_empty(&value)) {
            record.insert(name.to_owned(), value);
        }
    }
    Value::Object(record)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

impl Record for u64 {
    fn read(value: &Value) -> Option<Self> {
        // A number beyond 64 bits is read as a float, and saturates.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
        let saturated = || value.as_f64().filter(|at| *at >= 0.0).map(|at| at as Self);
        value.as_u64().or_else(saturated)
    }

    fn write(&self) -> Value {
        (*self).into()
    }
}

impl Record for u32 {
    fn read(value: &Value) -> Option<Self> {
        value.as_u64().and_then(|count| count.try_into().ok())
    }

    fn write(&self) -> Value {
        (*self).into()
    }
}

impl Record for i64 {
    fn read(value: &Value) -> Option<Self> {
        value.as_i64()
    }

    fn write(&self) -> Value {
        (*self).into()
    }
}

impl Record for f64 {
    fn read(value: &Value) -> Option<Self> {
        value.as_f64()
    }

    fn write(&self) -> Value {
        (*self).into()
    }
}

impl Record for String {
    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }

    fn write(&self) -> Value {
        self.as_str().into()
    }
}

impl Record for Timestamp {
    fn read(value: &Value) -> Option<Self> {
        value.as_i64().map(Self::from_millis)
    }

    fn write(&self) -> Value {
        self.as_millis().into()
    }
}

impl Record for Fingerprint {
    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(Self::from_stored)
    }

    fn write(&self) -> Value {
        self.as_str().into()
    }
}

impl Record for HostId {
    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(Self::from)
    }

    fn write(&self) -> Value {
        self.as_ref().into()
    }
}

impl Record for Stamp {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self { at: Stamp::bounded(fields.read("at")?), host: fields.read("host")? })
    }

    fn write(&self) -> Value {
        record(vec![field("at", &self.at), field("host", &self.host)])
    }
}

impl Record for Generation {
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(value)?;
        Some(Self { edits: fields.read("edits")?, refreshes: fields.read("refreshes")? })
    }

    fn write(&self) -> Value {
        record(vec![field("edits", &self.edits), field("refreshes", &self.refreshes)])
    }
}

impl<T: Record> Record for Option<T> {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::read(value).map(Some),
        }
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::write)
    }
}

impl<T: Record> Record for Box<T> {
    fn read(value: &Value) -> Option<Self> {
        T::read(value).map(Self::new)
    }

    fn write(&self) -> Value {
        T::write(self)
    }
}

impl<T: Record> Record for Vec<(Stamp, T)> {
    fn read(value: &Value) -> Option<Self> {
        let read = |item: &Value| match item.as_array()?.as_slice() {
            [by, value] => Some((Stamp::read(by)?, T::read(value)?)),
            _ => None,
        };
        value.as_array()?.iter().map(read).collect()
    }

    fn write(&self) -> Value {
        self.iter().map(|(by, value)| Value::Array(vec![by.write(), value.write()])).collect()
    }
}

impl<K: Ord + AsRef<str> + for<'a> From<&'a str>, V: Record> Record for Sorted<K, V> {
    fn read(value: &Value) -> Option<Self> {
        value.as_object()?.iter().map(|(name, value)| Some((K::from(name), V::read(value)?))).collect()
    }

    fn write(&self) -> Value {
        Value::Object(self.iter().map(|(name, value)| (name.as_ref().to_owned(), value.write())).collect())
    }
}
