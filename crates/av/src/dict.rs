//! Dictionaries of names and values: FFmpeg's options and metadata.

use std::{
    ffi::c_int,
    ptr::{self, NonNull},
};

use ffmpeg_sys_next as ffi;

use crate::{
    error::{Error, Result, check},
    raw,
};

/// An ordered map from names to text values; an entry keeps its place when its value changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dictionary {
    entries: Vec<(String, String)>,
}

impl Dictionary {
    /// Creates an empty dictionary.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `name` to `value`, replacing an earlier value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        match self.entries.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.entries.push((name, value)),
        }
    }

    /// The value of `name`, if it is set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All names and values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A copy of FFmpeg's dictionary; null means an empty one.
    ///
    /// # Safety
    ///
    /// `dictionary` must be null or valid, and unchanged during the call.
    pub(crate) unsafe fn from_raw(dictionary: *const ffi::AVDictionary) -> Self {
        let mut copy = Self::new();
        let mut entry = ptr::null();
        loop {
            // SAFETY: the caller promises a valid dictionary (or null, which is empty), and
            // `entry` is null or the entry that the last call returned.
            entry = unsafe { ffi::av_dict_iterate(dictionary, entry) };
            let Some(found) = NonNull::new(entry.cast_mut()) else { return copy };
            // SAFETY: an entry that is not null is valid until the dictionary changes.
            let ffi::AVDictionaryEntry { key, value } = unsafe { found.read() };
            // SAFETY: names are zero-terminated and live as long as the entry.
            let name = unsafe { raw::string(key) };
            // SAFETY: values too.
            let value = unsafe { raw::string(value) };
            copy.entries.push((name.unwrap_or_default(), value.unwrap_or_default()));
        }
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Dictionary {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        let mut dictionary = Self::new();
        for (name, value) in entries {
            dictionary.set(name, value);
        }
        dictionary
    }
}

/// An owned `AVDictionary` for a call that takes options: FFmpeg removes the options that it uses.
pub(crate) struct RawDictionary(*mut ffi::AVDictionary);

impl RawDictionary {
    /// Copies `entries`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if a name or a value contains a zero byte.
    pub(crate) fn new(entries: &Dictionary) -> Result<Self> {
        let mut copy = Self(ptr::null_mut());
        for (name, value) in entries.iter() {
            // SAFETY: `copy` is null or a dictionary, and is owned here.
            unsafe { set_raw(&raw mut copy.0, name, value, 0)? };
        }
        Ok(copy)
    }

    /// The pointer for a C function, which may replace the dictionary.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut *mut ffi::AVDictionary {
        &raw mut self.0
    }

    /// Checks that FFmpeg has used all options.
    ///
    /// # Errors
    ///
    /// [`Error::UnusedOptions`] with the remaining ones.
    pub(crate) fn expect_used(&self) -> Result<()> {
        // SAFETY: the dictionary is owned here, and null or valid.
        let left = unsafe { Dictionary::from_raw(self.0) };
        if left.is_empty() {
            return Ok(());
        }
        Err(Error::UnusedOptions { names: left.iter().map(|(name, _)| name.to_owned()).collect() })
    }
}

impl Drop for RawDictionary {
    fn drop(&mut self) {
        // SAFETY: the dictionary is owned here, and null or valid.
        unsafe { ffi::av_dict_free(&raw mut self.0) }
    }
}

/// Sets one entry of an FFmpeg dictionary; `flags` are `AV_DICT_*`.
///
/// # Safety
///
/// `dictionary` must point to null or to a valid dictionary that nothing else uses during the call.
pub(crate) unsafe fn set_raw(
    dictionary: *mut *mut ffi::AVDictionary,
    name: &str,
    value: &str,
    flags: c_int,
) -> Result<()> {
    let (name, value) = (raw::c_string("an option", name)?, raw::c_string("an option", value)?);
    // SAFETY: the caller promises the dictionary; both strings live through the call, which
    // copies them.
    let code = unsafe { ffi::av_dict_set(dictionary, name.as_ptr(), value.as_ptr(), flags) };
    check("av_dict_set", code).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_name_wins() {
        let dictionary: Dictionary = [("a", "1"), ("b", "2"), ("a", "3")].into_iter().collect();
        assert_eq!(dictionary.iter().collect::<Vec<_>>(), [("a", "3"), ("b", "2")]);
        assert_eq!((dictionary.get("b"), dictionary.get("c")), (Some("2"), None));
    }

    #[test]
    fn entries_are_unchanged_by_a_round_trip_through_ffmpeg() {
        let dictionary: Dictionary = [("título", "señal"), ("empty", "")].into_iter().collect();
        let raw = RawDictionary::new(&dictionary).unwrap();
        // SAFETY: `raw` is valid.
        assert_eq!(unsafe { Dictionary::from_raw(raw.0) }, dictionary);
        let names = vec!["título".to_owned(), "empty".to_owned()];
        assert_eq!(raw.expect_used(), Err(Error::UnusedOptions { names }));
    }

    #[test]
    fn a_zero_byte_is_refused() {
        let dictionary: Dictionary = [("a", "b\0c")].into_iter().collect();
        assert!(matches!(RawDictionary::new(&dictionary), Err(Error::InvalidArgument { .. })));
    }

    #[test]
    fn an_empty_dictionary_has_no_unused_options() {
        assert_eq!(RawDictionary::new(&Dictionary::new()).unwrap().expect_used(), Ok(()));
    }
}
