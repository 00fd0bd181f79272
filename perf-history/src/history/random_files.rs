//! Histories made at random, of records and of what cannot be read, for the tests of reading.

use proptest::prelude::*;

/// A record as this version writes it; with `pads` before a field, as another program may.
pub(super) fn record(id: u32, pads: &str) -> String {
    format!(
        r#"{{"schema":1,"build_id":"{id}","timestamp":"","tool":"t","outcome":"success",{pads}"build_time_ms":1}}"#
    )
}

/// A file whose last line may have no end. Some lines are longer than `longest`, at which none of
/// the records is too long if it is 110 bytes or more.
pub(super) fn file(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        4 => any::<u32>().prop_map(|id| record(id, "").into_bytes()),
        2 => any::<u32>().prop_map(|id| record(id, " ").into_bytes()),
        1 => Just(Vec::new()),
        1 => Just(b"\xEF\xBB\xBF".to_vec()),
        1 => Just(b"\r".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (0..3 * longest).prop_map(|length| vec![b'x'; length]),
    ];
    (prop::collection::vec(line, 0..14), any::<bool>()).prop_map(|(lines, is_ended)| {
        let mut file = lines.join(&b'\n');
        if is_ended {
            file.push(b'\n');
        }
        file
    })
}
