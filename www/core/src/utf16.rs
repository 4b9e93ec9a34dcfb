//! Offsets in UTF-16 code units, as in JavaScript strings.

/// Converts ascending byte offsets of a text to UTF-16 offsets, in one pass.
pub(crate) fn to_utf16(text: &str, offsets: &mut [usize]) {
    let (mut at, mut units) = (0_usize, 0_usize);
    let mut chars = text.chars();
    for offset in offsets {
        while at < *offset
            && let Some(next) = chars.next()
        {
            at = at.saturating_add(next.len_utf8());
            units = units.saturating_add(next.len_utf16());
        }
        *offset = units;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_outside_of_the_first_plane_count_two() {
        let mut places = [0, 2, 6, 7];
        to_utf16("é🗝x", &mut places);
        assert_eq!(places, [0, 1, 3, 4]);
    }

    proptest! {
        #[test]
        fn utf_16_is_counted_as_javascript_does(text in any::<String>()) {
            let mut places: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let expected: Vec<_> = places.iter().map(|at| text.get(..*at).unwrap().encode_utf16().count()).collect();
            to_utf16(&text, &mut places);
            prop_assert_eq!(places, expected);
        }
    }
}
