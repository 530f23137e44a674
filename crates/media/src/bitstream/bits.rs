//! A bit reader for NAL units: fixed-length and Exp-Golomb codes (ITU-T H.264 clause 9.1).

/// A reader of bits, most significant first. Reads after the end give `None`.
pub(crate) struct Bits {
    payload: Vec<u8>,
    position: usize,
}

impl Bits {
    /// A reader of `escaped` without its emulation prevention bytes (`00 00 03` stands for
    /// `00 00`). At most `limit` bytes of it are read.
    pub(crate) fn unescaped(escaped: &[u8], limit: usize) -> Self {
        let mut payload = Vec::with_capacity(escaped.len().min(limit));
        let mut zeros = 0;
        for &byte in escaped.iter().take(limit) {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            payload.push(byte);
        }
        Self { payload, position: 0 }
    }

    /// Reads one bit.
    pub(crate) fn bit(&mut self) -> Option<bool> {
        let byte = self.payload.get(self.position / 8)?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Some(bit == 1)
    }

    /// Reads `count` bits, at most 32, as a number.
    pub(crate) fn bits(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0_u32, |value, _| Some(value << 1 | u32::from(self.bit()?)))
    }

    /// Reads an unsigned Exp-Golomb code, `ue(v)`.
    pub(crate) fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1_u32 << zeros) - 1 + self.bits(zeros)?)
    }

    /// Reads a signed Exp-Golomb code, `se(v)`.
    pub(crate) fn signed(&mut self) -> Option<i32> {
        let code = i64::from(self.unsigned()?);
        let magnitude = (code + 1) / 2;
        i32::try_from(if code % 2 == 1 { magnitude } else { -magnitude }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_are_those_of_table_9_2() {
        // 1 010 011 00100 00101 and padding
        let mut bits = Bits::unescaped(&[0b1010_0110, 0b0100_0010, 0b1000_0000], 9);
        let codes: Vec<_> = (0..5).map(|_| bits.unsigned().unwrap()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn signed_codes_alternate() {
        let mut bits = Bits::unescaped(&[0b1010_0110, 0b0100_0010, 0b1000_0000], 9);
        let codes: Vec<_> = (0..5).map(|_| bits.signed().unwrap()).collect();
        assert_eq!(codes, [0, 1, -1, 2, -2]);
    }

    #[test]
    fn emulation_prevention_bytes_are_skipped() {
        let mut bits = Bits::unescaped(&[0, 0, 3, 1, 0, 0, 3], 9);
        assert_eq!(bits.bits(32), Some(0x0000_0100));
        assert_eq!(bits.bits(8), Some(0));
        assert_eq!(bits.bit(), None);
    }

    #[test]
    fn a_code_of_too_many_zeros_is_none() {
        assert_eq!(Bits::unescaped(&[0; 64], 64).unsigned(), None);
    }
}
