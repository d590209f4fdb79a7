use feed_handlers::input::InputSource;
use serde_json::{Value, json};
pub(crate) fn json(_source: &InputSource) -> Value {
    json!({})
}
