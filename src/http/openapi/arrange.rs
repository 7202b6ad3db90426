//! What the document needs beyond what the handlers say.

use serde_json::{Value, json};

const CREATE_ORDER: &str = "/paths/~1api~1v1~1service~1orders/post";

/// The document with webhooks where tools look for them, and a word on every answer.
pub fn arranged(mut document: Value) -> Value {
    place_webhooks(&mut document);
    explain_answers(&mut document);
    document
}

/// OpenAPI 3.0 knows no webhooks on their own: an order's is a callback of its creation; the other keeps the place that
/// tools agreed upon.
fn place_webhooks(document: &mut Value) {
    let webhooks = document.as_object_mut().and_then(|d| d.remove("webhooks"));
    let Some(Value::Object(mut webhooks)) = webhooks else {
        return;
    };
    for webhook in webhooks.values_mut() {
        webhook["post"]["responses"]["200"]["description"] = json!("Delivered.");
    }
    let order = webhooks.remove("order_status_changed");
    if let (Some(create), Some(order)) = (document.pointer_mut(CREATE_ORDER), order) {
        create["callbacks"] =
            json!({ "orderStatusChanged": { "{$request.body#/webhook_url}": order } });
    }
    document["x-webhooks"] = webhooks.into();
}

/// An answer that its handler does not describe is described by what it holds.
fn explain_answers(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    let paths = document["paths"].as_object_mut().into_iter();
    let calls = paths.flat_map(|paths| paths.values_mut().filter_map(Value::as_object_mut));
    let answers = calls
        .flat_map(|calls| calls.values_mut())
        .filter_map(|call| call["responses"].as_object_mut());
    for answer in answers.flat_map(|answers| answers.values_mut()) {
        if answer["description"] == "" {
            answer["description"] = description(&schemas, answer).into();
        }
    }
}

fn description(schemas: &Value, answer: &Value) -> String {
    let schema = &answer["content"]["application/json"]["schema"];
    let named = |schema: &Value| {
        let name = schema["$ref"].as_str()?.rsplit('/').next()?;
        schemas[name]["description"].as_str()
    };
    match (named(schema), named(&schema["items"])) {
        (Some(said), _) => said.to_owned(),
        (None, Some(said)) => format!("A list. {said}"),
        (None, None) => "Done.".to_owned(),
    }
}
