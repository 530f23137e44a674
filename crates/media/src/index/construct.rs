//! An index is made of a list of packets.

use moviola_av::time::TimeBase;

use super::{
    Details, FrameIndex, Origin, PacketEntry, RandomAccessPoint,
    entry::{FAR, PackedFrame},
};

/// The most frames that a decoder of H.264 or HEVC ever holds back.
const MAX_DELAY: u32 = 16;

impl FrameIndex {
    /// The index of packets that come in decoding order; `end` is when the last frame ends.
    ///
    /// Frames of one time keep the order of their packets.
    pub(crate) fn of_packets(
        base: TimeBase,
        packets: &[PacketEntry],
        end: Option<i64>,
        origin: Origin,
    ) -> Self {
        let mut order: Vec<u32> = (0..).take(packets.len()).collect();
        order.sort_by_key(|&number| packets[number as usize].pts);
        // What is hidden takes a place in the decoder's order too.
        let delay = (0_u32..).zip(&order).map(|(rank, &number)| number.saturating_sub(rank)).max();
        order.retain(|&number| packets[number as usize].shown);
        let index = Self::new(base, packets, &order, delay.unwrap_or(0));
        Self { end: end.map_or(index.end, |end| end.max(index.end)), origin, ..index }
    }

    /// The same where the order of presentation is known: `order` names the packet of each frame.
    pub(crate) fn of_order(base: TimeBase, packets: &[PacketEntry], order: &[u32]) -> Self {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        let place = |packet| sorted.partition_point(|&before| before < packet);
        let delay =
            order.iter().enumerate().map(|(rank, &packet)| place(packet).saturating_sub(rank));
        let delay = u32::try_from(delay.max().unwrap_or(0)).unwrap_or(u32::MAX);
        Self::new(base, packets, order, delay)
    }

    /// The index of frames in presentation order, without their end; `delay` is what
    /// [`reorder_delay`](Self::reorder_delay) gives.
    fn new(base: TimeBase, packets: &[PacketEntry], order: &[u32], delay: u32) -> Self {
        let (mut frames, mut far) = (Vec::with_capacity(order.len()), Vec::new());
        for (frame, &packet) in (0_u32..).zip(order) {
            let entry = &packets[packet as usize];
            let shift = i64::from(packet) - i64::from(frame);
            if i16::try_from(shift).ok().filter(|&shift| shift != FAR).is_none() {
                far.push((frame, packet));
            }
            frames.push(PackedFrame::new(entry, shift));
        }
        Self {
            base,
            end: frames.last().map_or(0, |last: &PackedFrame| last.pts),
            frames,
            far,
            hidden: hidden_keyframes(packets),
            packets: u32::try_from(packets.len()).unwrap_or(u32::MAX),
            details: Details::default(),
            reorder_delay: u8::try_from(delay.min(MAX_DELAY)).unwrap_or(0),
            origin: Origin::Decoding,
        }
    }

    /// Adds what a scan found beside the packets.
    pub(crate) fn with_details(self, details: Details) -> Self {
        Self { details, ..self }
    }
}

/// The keyframes among packets that are decoded and not shown.
fn hidden_keyframes(packets: &[PacketEntry]) -> Vec<RandomAccessPoint> {
    let hidden = (0..).zip(packets).filter(|(_, packet)| packet.key && !packet.shown);
    let point = |(number, packet): (u32, &PacketEntry)| RandomAccessPoint {
        packet: number,
        pts: packet.pts,
        position: packet.position,
    };
    hidden.map(point).collect()
}
