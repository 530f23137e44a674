//! Channel layouts: how many channels audio has, and the loudspeaker position of each.

use std::{
    ffi::{c_char, c_int},
    fmt,
    mem::offset_of,
};

use ffmpeg_sys_next as ffi;

use crate::{
    error::{Error, Result, check},
    raw,
};

/// The largest number of channels in a layout: libswresample's limit.
pub const MAX_CHANNELS: u16 = 64;

/// The channels of an audio stream and their order, as FFmpeg's `AVChannelLayout`.
pub struct ChannelLayout {
    raw: ffi::AVChannelLayout,
    channels: u16,
}

// SAFETY: an AVChannelLayout is plain data that is not tied to a thread.
unsafe impl Send for ChannelLayout {}
// SAFETY: methods on `&ChannelLayout` only read.
unsafe impl Sync for ChannelLayout {}

impl ChannelLayout {
    /// FFmpeg's default layout for a number of channels: 1 is mono, 2 is stereo, 6 is 5.1 and so
    /// on. For numbers without a default layout, the channels have no positions.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if `channels` is 0 or over [`MAX_CHANNELS`].
    pub fn usual(channels: u16) -> Result<Self> {
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(invalid(c_int::from(channels)));
        }
        let mut raw = blank();
        // SAFETY: the layout is blank and writable.
        unsafe { ffi::av_channel_layout_default(&raw mut raw, channels.into()) };
        Ok(Self { raw, channels })
    }

    /// A copy of FFmpeg's layout. A layout without known positions becomes the default one of the
    /// same size, as in the ffmpeg command.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if it has no channels or over [`MAX_CHANNELS`];
    /// [`Error::OutOfMemory`].
    ///
    /// # Safety
    ///
    /// `layout` must be valid and unchanged during the call.
    pub(crate) unsafe fn copy_of(layout: *const ffi::AVChannelLayout) -> Result<Self> {
        use ffi::AVChannelOrder::*;
        // SAFETY: the caller promises a valid layout.
        let count = unsafe { (*layout).nb_channels };
        let known = u16::try_from(count).ok().filter(|count| (1..=MAX_CHANNELS).contains(count));
        let channels = known.ok_or_else(|| invalid(count))?;
        // SAFETY: the caller promises a valid layout; the enum is read as an integer.
        let order = unsafe { raw::enum_at(layout, offset_of!(ffi::AVChannelLayout, order)) };
        let orders = [AV_CHANNEL_ORDER_NATIVE, AV_CHANNEL_ORDER_CUSTOM, AV_CHANNEL_ORDER_AMBISONIC];
        if !orders.iter().any(|known| *known as c_int == order) {
            return Self::usual(channels);
        }
        let mut copy = Self { raw: blank(), channels };
        // SAFETY: the target is blank and the source valid; the call only reads it.
        let code = unsafe { ffi::av_channel_layout_copy(&raw mut copy.raw, layout) };
        check("av_channel_layout_copy", code)?;
        Ok(copy)
    }

    /// A second, independent copy.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub fn try_clone(&self) -> Result<Self> {
        // SAFETY: `self` owns a valid layout.
        unsafe { Self::copy_of(self.raw()) }
    }

    /// Number of channels, 1 to [`MAX_CHANNELS`].
    pub fn channels(&self) -> usize {
        self.channels.into()
    }

    /// FFmpeg's description, such as `"stereo"` or `"5.1(side)"`.
    pub fn name(&self) -> String {
        let mut text = [0_u8; 256];
        let target: *mut c_char = text.as_mut_ptr().cast();
        // SAFETY: the layout is valid; `text` is writable and its length is passed along.
        unsafe { ffi::av_channel_layout_describe(self.raw(), target, text.len()) };
        let end = text.iter().position(|&byte| byte == 0).unwrap_or(0);
        String::from_utf8_lossy(&text[..end]).into_owned()
    }

    pub(crate) fn raw(&self) -> *const ffi::AVChannelLayout {
        &raw const self.raw
    }
}

fn blank() -> ffi::AVChannelLayout {
    // SAFETY: all zeros is FFmpeg's blank layout: no channels, of unspecified order, null pointers.
    unsafe { std::mem::zeroed() }
}

fn invalid(channels: c_int) -> Error {
    Error::InvalidArgument {
        what: "the number of channels",
        expected: "1 to 64",
        got: channels.to_string(),
    }
}

impl PartialEq for ChannelLayout {
    fn eq(&self, other: &Self) -> bool {
        // SAFETY: both layouts are valid, and the call only reads.
        unsafe { ffi::av_channel_layout_compare(self.raw(), other.raw()) == 0 }
    }
}

impl Drop for ChannelLayout {
    fn drop(&mut self) {
        // SAFETY: `self` owns the layout, and nothing uses it after this.
        unsafe { ffi::av_channel_layout_uninit(&raw mut self.raw) }
    }
}

impl fmt::Debug for ChannelLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_layouts_are_ffmpegs() {
        for (channels, name) in [(1, "mono"), (2, "stereo"), (3, "2.1"), (6, "5.1"), (8, "7.1")] {
            let layout = ChannelLayout::usual(channels).unwrap();
            assert_eq!((layout.channels(), layout.name()), (channels.into(), name.to_owned()));
            assert_eq!(layout.try_clone().unwrap(), layout);
        }
        assert_eq!(ChannelLayout::usual(64).unwrap().channels(), 64);
        assert!(ChannelLayout::usual(0).is_err() && ChannelLayout::usual(65).is_err());
        assert_ne!(ChannelLayout::usual(1).unwrap(), ChannelLayout::usual(2).unwrap());
    }
}
