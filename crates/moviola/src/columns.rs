//! Definitions of records, with their columns in tables.
//!
//! [`record!`] defines a struct that serde writes as JSON, and a table column for each of its
//! fields. A column is named after its field, except: `=> "name"` renames it, `=> ..` replaces it
//! by the columns of the nested record, and `=> _` omits it.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields};

/// A type whose values are stored in one column.
pub(crate) trait Column {
    /// The column's Arrow type.
    fn data_type() -> DataType;
}

/// A record type whose fields are stored in columns.
pub(crate) trait Columns {
    /// The columns, in the order of the fields, all nullable: a field that is absent from a record
    /// is null.
    fn columns() -> Vec<Field>;
}

macro_rules! plain_columns {
    ($($value:ty => $data_type:ident),* $(,)?) => {
        $(impl Column for $value {
            fn data_type() -> DataType {
                DataType::$data_type
            }
        })*
    };
}

plain_columns! {
    bool => Boolean,
    u32 => UInt32,
    u64 => UInt64,
    i64 => Int64,
    f32 => Float32,
    f64 => Float64,
    String => Utf8,
}

impl<T: Column> Column for Option<T> {
    fn data_type() -> DataType {
        T::data_type()
    }
}

impl<T: Column> Column for Vec<T> {
    fn data_type() -> DataType {
        DataType::List(Arc::new(item::<T>()))
    }
}

impl<T: Column, const N: usize> Column for [T; N] {
    fn data_type() -> DataType {
        let length = i32::try_from(N).unwrap_or(i32::MAX);
        DataType::FixedSizeList(Arc::new(item::<T>()), length)
    }
}

fn item<T: Column>() -> Field {
    Field::new("item", T::data_type(), true)
}

/// A nullable column named `name` for values of `T`.
pub(crate) fn column<T: Column>(name: &str) -> Field {
    Field::new(name, T::data_type(), true)
}

/// The Arrow struct type of a nested record.
pub(crate) fn structure<T: Columns>() -> DataType {
    DataType::Struct(Fields::from(T::columns()))
}

/// Defines a record: a serializable struct that implements [`Columns`], and [`Column`] for nesting
/// it.
macro_rules! record {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident {
            $($(#[$field_attribute:meta])* pub $field:ident: $value:ty $(=> $how:tt)?),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $($(#[$field_attribute])* pub $field: $value,)*
        }

        impl $crate::columns::Columns for $name {
            fn columns() -> Vec<arrow_schema::Field> {
                [$($crate::columns::columns_of!($field, $value $(, $how)?)),*].concat()
            }
        }

        impl $crate::columns::Column for $name {
            fn data_type() -> arrow_schema::DataType {
                $crate::columns::structure::<Self>()
            }
        }
    };
}

/// The columns of one field.
macro_rules! columns_of {
    ($field:ident, $value:ty) => {
        vec![$crate::columns::column::<$value>(stringify!($field))]
    };
    ($field:ident, $value:ty, ..) => {
        <$value as $crate::columns::Columns>::columns()
    };
    ($field:ident, $value:ty, _) => {
        Vec::new()
    };
    ($field:ident, $value:ty, $name:literal) => {
        vec![$crate::columns::column::<$value>($name)]
    };
}

pub(crate) use {columns_of, record};

#[cfg(test)]
#[expect(unreachable_pub, reason = "records are public")]
mod tests {
    use super::*;

    record! {
        /// Inner.
        pub struct Inner {
            /// A.
            pub a: u32,
            /// B.
            pub b: Option<[f32; 2]>,
        }
    }

    record! {
        /// Outer.
        pub struct Outer {
            /// Not serialized.
            #[serde(skip)]
            pub skipped: usize => _,
            /// Renamed.
            #[serde(rename = "type")]
            pub kind: String => "type",
            /// Flattened.
            #[serde(flatten)]
            pub inner: Inner => ..,
            /// Nested.
            pub inners: Vec<Inner>,
        }
    }

    #[test]
    fn columns_match_the_serialized_fields() {
        let inner = Inner { a: 1, b: Some([0.5, 2.0]) };
        let outer =
            Outer { skipped: 7, kind: "x".into(), inner: inner.clone(), inners: vec![inner] };
        let written = serde_json::to_value(&outer).unwrap();
        let columns = Outer::columns();
        let names: Vec<_> = columns.iter().map(|column| column.name().as_str()).collect();
        assert_eq!(names, ["type", "a", "b", "inners"]);
        let mut fields: Vec<_> = written.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["a", "b", "inners", "type"]);
        let DataType::List(item) = columns[3].data_type() else { panic!("{columns:?}") };
        assert_eq!(item.data_type(), &structure::<Inner>());
    }
}
