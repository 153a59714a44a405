//! Counting through the facade shows in the text.

use super::*;

#[test]
fn what_is_counted_is_rendered() {
    let metrics = Metrics::install("1.2.3").unwrap();
    let again = Metrics::install("1.2.3").unwrap();
    ::metrics::counter!("foldgate_test_total", "kind" => "a").increment(3);
    ::metrics::histogram!("foldgate_test_seconds").record(0.02);
    let text = again.render();
    for line in [
        "foldgate_test_total{kind=\"a\"} 3",
        "foldgate_test_seconds_bucket{le=\"0.025\"} 1",
        "foldgate_build_info{version=\"1.2.3\"} 1",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let memory = text
        .lines()
        .find_map(|line| line.strip_prefix("process_resident_memory_bytes "))
        .unwrap();
    assert!(memory.parse::<f64>().unwrap() > 1e5, "{memory}");
    assert!(text.contains("process_cpu_seconds_total "));
    assert!(!metrics.render().is_empty());
}
