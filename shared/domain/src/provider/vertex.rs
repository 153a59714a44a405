//! Google Vertex AI's hosts: the location is part of the name.

/// The location a Vertex host stands for; `None` for any other host.
///
/// `{region}-aiplatform.googleapis.com` is a region, `aiplatform.googleapis.com`
/// is `global`, `aiplatform.{us|eu}.rep.googleapis.com` a multi-region (Google's
/// and Anthropic's SDKs build these names).
pub fn vertex_location(host: &str) -> Option<String> {
    let regional = host.strip_suffix("-aiplatform.googleapis.com");
    let multi = host
        .strip_prefix("aiplatform.")
        .and_then(|rest| rest.strip_suffix(".rep.googleapis.com"));
    match (host, regional, multi) {
        ("aiplatform.googleapis.com", _, _) => Some("global".to_owned()),
        (_, Some(region), _) if is_region(region) => Some(region.to_owned()),
        (_, _, Some(area @ ("us" | "eu"))) => Some(area.to_owned()),
        _ => None,
    }
}

/// A region as Google names them: words, then a number (`us-central1`,
/// `northamerica-northeast2`).
fn is_region(text: &str) -> bool {
    let Some((area, place)) = text.split_once('-') else {
        return false;
    };
    let word = place.trim_end_matches(|c: char| c.is_ascii_digit());
    let letters = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase());
    text.len() <= 40
        && letters(area)
        && letters(word)
        && (1..=2).contains(&(place.len() - word.len()))
}

#[cfg(test)]
mod tests {
    use super::vertex_location;

    #[test]
    fn the_host_says_the_location() {
        let at = |host: &str| vertex_location(host);
        assert_eq!(
            at("us-central1-aiplatform.googleapis.com").as_deref(),
            Some("us-central1")
        );
        assert_eq!(
            at("northamerica-northeast2-aiplatform.googleapis.com").as_deref(),
            Some("northamerica-northeast2")
        );
        assert_eq!(at("aiplatform.googleapis.com").as_deref(), Some("global"));
        assert_eq!(
            at("aiplatform.eu.rep.googleapis.com").as_deref(),
            Some("eu")
        );
        for other in [
            "evil-aiplatform.googleapis.com",
            "us-central-aiplatform.googleapis.com",
            "us-central1-aiplatform.googleapis.com.evil.com",
            "-aiplatform.googleapis.com",
            "a.us-central1-aiplatform.googleapis.com",
            "aiplatform.xx.rep.googleapis.com",
            "api.openai.com",
        ] {
            assert_eq!(at(other), None, "{other}");
        }
    }
}
