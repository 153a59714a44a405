use super::*;

#[test]
fn an_origin_is_written_as_browsers_say_it() {
    let set = |text| {
        let sources = environment(Sources::default(), &[("FOLDGATE_ALLOWED_ORIGINS", text)]);
        Settings::load(Role::Standalone, &sources)
    };
    let loaded = set("https://app.example.com, http://localhost:5173").unwrap();
    let origins = loaded.settings.http.allowed_origins;
    assert_eq!(
        origins,
        ["https://app.example.com", "http://localhost:5173"]
    );
    assert_eq!(set("*").unwrap().settings.http.allowed_origins, ["*"]);
    assert!(set("").unwrap().settings.http.allowed_origins.is_empty());
    for wrong in [
        "https://app.example.com/",
        "https://App.example.com",
        "https://app.example.com:443",
        "app.example.com",
        "null",
        "https://*.example.com",
        "https://a\u{0}b",
    ] {
        let faults = set(wrong).unwrap_err().0;
        assert_eq!(faults.len(), 1, "{wrong}: {faults:?}");
        assert!(faults[0].starts_with("allowed_origins: "), "{faults:?}");
    }
}
