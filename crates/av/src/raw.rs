//! Conversions between C and Rust values, and panic safety of callbacks.

use std::{
    any::Any,
    ffi::{CStr, CString, c_char, c_int},
    mem,
    panic::{self, AssertUnwindSafe},
};

use crate::error::{Error, Result};

/// Reads an enum field of a C struct, `offset` bytes from its start, as an integer.
///
/// Decoders store unchecked numbers from the bitstream in enum fields, and a Rust enum must never
/// have a value without a variant.
///
/// # Safety
///
/// `object` must be valid, and `offset` that of one of its enum fields, by `offset_of!`.
pub(crate) unsafe fn enum_at<T>(object: *const T, offset: usize) -> c_int {
    // SAFETY: the caller promises that the field is inside the object.
    let field = unsafe { object.byte_add(offset) };
    // SAFETY: the caller promises an enum there, and C's enums are as large as an int.
    unsafe { field.cast::<c_int>().read() }
}

/// Writes an enum field of a C struct, `offset` bytes from its start, as an integer.
///
/// # Safety
///
/// As for [`enum_at`], and nothing else may use the object during the call.
pub(crate) unsafe fn set_enum_at<T>(object: *mut T, offset: usize, value: c_int) {
    // SAFETY: the caller promises that the field is inside the object.
    let field = unsafe { object.byte_add(offset) };
    // SAFETY: the caller promises an enum there, and C's enums are as large as an int.
    unsafe { field.cast::<c_int>().write(value) }
}

/// Converts a C string; `None` if the pointer is null. Invalid UTF-8 is replaced by U+FFFD.
///
/// # Safety
///
/// `text` must be null or a zero-terminated string that outlives the call.
pub(crate) unsafe fn string(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null; the caller promises a zero-terminated string.
    let text = unsafe { CStr::from_ptr(text) };
    Some(text.to_string_lossy().into_owned())
}

/// Converts a string constant of FFmpeg; empty if the pointer is null or the text is not UTF-8.
///
/// # Safety
///
/// `text` must be null or a zero-terminated string that is never freed or changed.
pub(crate) unsafe fn constant(text: *const c_char) -> &'static str {
    if text.is_null() {
        return "";
    }
    // SAFETY: not null; the caller promises a static zero-terminated string.
    let text: &'static CStr = unsafe { CStr::from_ptr(text) };
    text.to_str().unwrap_or_default()
}

/// Converts text for a C function; `what` names it in the error.
///
/// # Errors
///
/// [`Error::InvalidArgument`] if it contains a zero byte.
pub(crate) fn c_string(what: &'static str, text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::InvalidArgument {
        what,
        expected: "text without a zero byte",
        got: text.escape_default().to_string(),
    })
}

/// Runs `work` and returns a panic as its message, because a panic must not unwind into C.
///
/// After a panic, the state that `work` was changing may be inconsistent.
pub(crate) fn catch_panic<T>(work: impl FnOnce() -> T) -> std::result::Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("no message").to_owned();
        discard(payload);
        text
    })
}

/// Drops the payload of a panic, which may itself panic when dropped.
fn discard(mut payload: Box<dyn Any + Send>) {
    const ATTEMPTS: u32 = 3;
    for _ in 0..ATTEMPTS {
        match panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return,
            Err(again) => payload = again,
        }
    }
    mem::forget(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("bomb");
            }
        }
        assert_eq!(catch_panic(|| 7), Ok(7));
        assert_eq!(catch_panic(|| -> u8 { panic!("text") }), Err("text".to_owned()));
        assert_eq!(catch_panic(|| -> u8 { panic!("number {}", 7) }), Err("number 7".to_owned()));
        assert_eq!(catch_panic(|| -> u8 { panic::panic_any(Bomb) }), Err("no message".to_owned()));
    }
}
