//! Every answer that any test gets is held against the API's document: its status
//! must stand there, its headers be there, and its body must be as its schema says
//! and hold nothing that the schema does not know.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Method, StatusCode, Url};
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use crate::node::Node;

static DOCUMENT: OnceCell<Value> = OnceCell::const_new();

/// Holds an answer against the document of the listener that gave it.
///
/// # Panics
/// It is not as the document says.
pub(crate) async fn check(
    (method, url): (&Method, &Url),
    (status, headers): (StatusCode, &HeaderMap),
    body: &Value,
) {
    let document = DOCUMENT.get_or_init(|| read(url)).await;
    let method = match *method {
        Method::HEAD => "get".to_owned(),
        ref method => method.as_str().to_ascii_lowercase(),
    };
    let operation = find(document, url.path()).map(|path| &path[method.as_str()]);
    let Some(operation) = operation.filter(|operation| operation.is_object()) else {
        let unserved = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED];
        assert!(
            unserved.contains(&status),
            "{method} {url}: {status} {body}"
        );
        return;
    };
    let what = format!("{method} {}: {status}", url.path());
    let response = followed(document, &operation["responses"][status.as_str()]);
    assert!(response.is_object(), "{what} is not documented: {body}");
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let must = followed(document, header)["required"] == true;
        assert!(!must || headers.contains_key(name), "{what}: no {name}");
    }
    let untold = untold(response, headers);
    assert!(untold.is_empty(), "{what}: headers {untold:?}");
    if status == StatusCode::NOT_MODIFIED {
        assert!(
            response["content"].is_null(),
            "{what}: a body is documented"
        );
        return;
    }
    let schema = &response["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{what}: it has no body in the document");
    let id = format!("{} {status}", operation["operationId"]);
    let faults = judged(document, (&id, schema), body);
    assert!(faults.is_empty(), "{what}: {faults:?}: {body}");
    let unknown = unknown(document, schema, body, "");
    assert!(unknown.is_empty(), "{what}: {unknown:?}: {body}");
}

/// Headers that say how an answer travels and is kept, which every answer of any server
/// may have; OpenAPI leaves them to HTTP.
const FRAMING: &[&str] = &[
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "date",
    "transfer-encoding",
    "x-content-type-options",
];

/// The headers that came and of which the document does not tell.
fn untold<'h>(response: &Value, headers: &'h HeaderMap) -> Vec<&'h str> {
    let told: Vec<&String> = response["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
        .collect();
    let is_told = |name: &str| told.iter().any(|known| known.eq_ignore_ascii_case(name));
    let names = headers.keys().map(HeaderName::as_str);
    names
        .filter(|name| !FRAMING.contains(name) && !is_told(name))
        .collect()
}

/// What is wrong with a value by its schema, whose judge is kept for the next one.
fn judged(document: &Value, (id, schema): (&str, &Value), value: &Value) -> Vec<String> {
    static JUDGES: Mutex<BTreeMap<String, Arc<Validator>>> = Mutex::new(BTreeMap::new());
    let mut judges = JUDGES.lock().unwrap_or_else(PoisonError::into_inner);
    let judge = judges.entry(id.to_owned()).or_insert_with(|| {
        let whole = json!({"components": document["components"], "allOf": [schema]});
        Arc::new(jsonschema::draft202012::new(&whole).unwrap())
    });
    let judge = Arc::clone(judge);
    drop(judges);
    let faults = judge.iter_errors(value);
    faults
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}

async fn read(url: &Url) -> Value {
    let url = url.join("/admin/openapi.json").unwrap();
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

/// What the document has for a path; the one with the fewest parameters first.
fn find<'d>(document: &'d Value, path: &str) -> Option<&'d Value> {
    let path = path.trim_end_matches('/');
    let mut all: Vec<(&String, &Value)> = document["paths"].as_object().unwrap().iter().collect();
    all.sort_by_key(|(template, _)| template.matches('{').count());
    let found = all.into_iter().find(|(template, _)| fits(template, path));
    found.map(|(_, methods)| methods)
}

fn fits(template: &str, path: &str) -> bool {
    let mut given = path.split('/');
    for part in template.split('/') {
        match given.next() {
            // It takes the rest, however many parts that is.
            Some(_) if part == "{rest}" => return true,
            Some(given) if part.starts_with('{') && !given.is_empty() => {}
            Some(given) if part == given => {}
            _ => return false,
        }
    }
    given.next().is_none()
}

fn followed<'d>(document: &'d Value, at: &'d Value) -> &'d Value {
    match at["$ref"].as_str() {
        Some(pointer) => followed(document, document.pointer(&pointer[1..]).unwrap()),
        None => at,
    }
}

/// The fields that the document does not know.
fn unknown(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let schema = followed(document, schema);
    let Some(schema) = schema.as_object() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if let Some(rule) = schema.get("items") {
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            found.extend(unknown(document, rule, item, &format!("{at}/{index}")));
        }
    }
    for word in ["anyOf", "oneOf"] {
        let branches = schema.get(word).and_then(Value::as_array);
        let mut branches = branches.into_iter().flatten().filter(|branch| {
            // Beside fields of its own, branches only say which go together.
            !schema.contains_key("properties")
                && (followed(document, branch)["properties"].is_object()
                    || branch["$ref"].is_string())
        });
        let known = branches.clone().next().is_none()
            || branches.any(|branch| unknown(document, branch, value, at).is_empty());
        if !known {
            found.push(format!("{at} has fields of no branch"));
        }
    }
    if let Value::Object(fields) = value {
        let known = properties(document, schema);
        found.extend(of_fields(document, (schema, &known), fields, at));
    }
    found
}

/// The fields an object may have, those of all its parts together.
fn properties(document: &Value, schema: &Map<String, Value>) -> Map<String, Value> {
    let mut known = schema
        .get("properties")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    for part in schema
        .get("allOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let part = followed(document, part).as_object().unwrap();
        known.extend(properties(document, part));
    }
    known
}

fn of_fields(
    document: &Value,
    (schema, known): (&Map<String, Value>, &Map<String, Value>),
    fields: &Map<String, Value>,
    at: &str,
) -> Vec<String> {
    let mut found = Vec::new();
    let branches = schema.contains_key("anyOf") || schema.contains_key("oneOf");
    let is_plain = !schema.contains_key("properties") && !schema.contains_key("allOf");
    for (name, value) in fields {
        let at = format!("{at}/{name}");
        match (known.get(name), schema.get("additionalProperties")) {
            (Some(rule), _) => found.extend(unknown(document, rule, value, &at)),
            (None, Some(rule)) if rule.is_object() => {
                found.extend(unknown(document, rule, value, &at));
            }
            (None, Some(Value::Bool(true))) => {}
            (None, _) if branches || is_plain => {}
            (None, _) => found.push(format!("{at} is not in the document")),
        }
    }
    found
}

#[tokio::test]
async fn answers_are_held_against_the_document() {
    let node = Node::start().await;
    let document = read(&Url::parse(&node.base).unwrap()).await;
    let at =
        |path: &str| find(&document, path).map(|methods| methods["get"]["operationId"].clone());
    assert_eq!(at("/x-keys/12/"), Some(json!("get_x_keys_id")));
    assert_eq!(
        at("/x-keys/https:/a.b/c"),
        Some(json!("get_x_keys_id_rest"))
    );
    assert_eq!(
        at("/admin/v1/state/diff"),
        Some(json!("get_admin_v1_state_diff"))
    );
    assert_eq!(at("/x-nothing"), None);
    let response = &document["paths"]["/x-keys"]["get"]["responses"]["200"];
    let schema = &response["content"]["application/json"]["schema"];
    let wrong = |body: Value| {
        let mut wrong = judged(&document, ("keys", schema), &body);
        wrong.extend(unknown(&document, schema, &body, ""));
        wrong
    };
    assert!(wrong(json!({"success": true, "keys": []})).is_empty());
    assert_eq!(wrong(json!({"success": true})).len(), 1);
    assert_eq!(wrong(json!({"success": 1, "keys": []})).len(), 1);
    assert_eq!(
        wrong(json!({"success": true, "keys": [], "more": 1})).len(),
        1
    );
    assert!(!wrong(json!({"success": true, "keys": [{"ID": 1}]})).is_empty());
}
