//! The document, from the catalogue.

use events::Fact;
use serde_json::{Map, Value, json};

/// What stands above it.
pub(crate) const HEAD: &str = "\
# What Kami publishes to NATS JetStream. Generated from the catalogue of events:
# KAMI_WRITE_GOLDEN=1 cargo test -p event-relay --test asyncapi
";

/// The AsyncAPI document: a channel for each kind of stream, a message for each event type.
pub(crate) fn document() -> Value {
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut messages = Map::new();
    for (name, version, schema) in Fact::catalogue() {
        let kind = Fact::stream_kind(name).unwrap_or_default();
        let channel = channels.entry(kind).or_insert_with(|| channel(kind));
        channel["messages"][name] = json!({ "$ref": format!("#/components/messages/{name}") });
        if let Some(types) = channel["parameters"]["type"]["enum"].as_array_mut() {
            types.push(json!(name));
        }
        operations.entry(format!("publish-{kind}")).or_insert_with(|| operation(kind));
        messages.insert(name.to_owned(), message(name, version, schema.as_value()));
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kami events",
            "version": "1.0.0",
            "description": DESCRIPTION,
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {
            "nats": {
                "host": "127.0.0.1:4222",
                "protocol": "nats",
                "description": "The server that the setting nats_url names, with JetStream.",
            },
        },
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": { "CloudEvent": cloud_event(), "Headers": headers() } },
    })
}

const DESCRIPTION: &str = "\
Every committed event of a merchant, once and in order, on one JetStream stream (`kami-<merchant>`) whose sequence \
numbers are the positions of the log. The log is the record; the stream can be deleted, and is filled anew. An event \
holds no card key and no buyer's name.";

fn channel(kind: &str) -> Value {
    json!({
        "address": format!("kami.{{merchant}}.{kind}.{{type}}"),
        "description": format!("Events of the streams {kind}-…"),
        "parameters": {
            "merchant": { "description": "The merchant: lower-case letters, digits and dashes." },
            "type": { "description": "The event type.", "enum": [] },
        },
        "messages": {},
    })
}

fn operation(kind: &str) -> Value {
    json!({
        "action": "send",
        "channel": { "$ref": format!("#/channels/{kind}") },
        "summary": format!("Publishes what happened in the streams {kind}-…"),
        "bindings": { "nats": { "bindingVersion": "0.1.0" } },
    })
}

fn message(name: &str, version: u16, schema: &Value) -> Value {
    let told = schema["description"].as_str().unwrap_or_default();
    let data = |version: u16| json!({ "$ref": format!("../../events/schemas/{name}.v{version}.json") });
    let data = match version {
        1 => data(1),
        newest => json!({ "anyOf": (1..=newest).map(data).collect::<Vec<_>>() }),
    };
    json!({
        "name": name,
        "title": name,
        "summary": told.split_whitespace().collect::<Vec<_>>().join(" "),
        "headers": { "$ref": "#/components/schemas/Headers" },
        "payload": {
            "allOf": [
                { "$ref": "#/components/schemas/CloudEvent" },
                {
                    "type": "object",
                    "properties": {
                        "type": { "type": "string", "const": format!("kami.{name}") },
                        "schemaversion": { "type": "integer", "minimum": 1, "maximum": version },
                        "data": data,
                    },
                },
            ],
        },
    })
}

fn headers() -> Value {
    json!({
        "type": "object",
        "properties": {
            "Nats-Msg-Id": { "type": "string", "description": "The CloudEvent's id." },
            "Content-Type": { "type": "string", "const": event_relay::envelope::CONTENT_TYPE },
        },
    })
}

fn cloud_event() -> Value {
    let text = |told: &str| json!({ "type": "string", "description": told });
    let instant = |told: &str| json!({ "type": "string", "format": "date-time", "description": told });
    json!({
        "type": "object",
        "description": "The envelope: CloudEvents 1.0, structured JSON.",
        "required": [
            "specversion", "id", "source", "type", "subject", "datacontenttype", "dataschema", "position", "version",
            "schemaversion", "recordedtime", "hash", "metadata", "data",
        ],
        "properties": {
            "specversion": { "type": "string", "const": "1.0" },
            "id": text("`<merchant>:<position>`: the same event always has the same id."),
            "source": text("`/merchants/<merchant>`"),
            "type": text("`kami.` and the event type."),
            "subject": text("The stream of the log, for example `order-0198c1f0a7e07b3a9d1c2e4f5a6b7c8d`."),
            "time": instant("When it happened, by the clock of whoever reported it."),
            "datacontenttype": { "type": "string", "const": "application/json" },
            "dataschema": text("`urn:kami:schema:<type>:<schema version>`: the file `events/schemas/<type>.v<version>.json`."),
            "position": text("The place in the merchant's log, from 1, without gaps; also the stream's sequence number."),
            "version": text("The place in the stream of the log, from 0."),
            "schemaversion": {
                "type": "integer", "minimum": 1, "maximum": 65535,
                "description": "The version of the payload's shape. Old events keep theirs.",
            },
            "recordedtime": instant("When it was recorded; never decreases along the log."),
            "hash": {
                "type": "string", "pattern": "^[0-9a-f]{64}$",
                "description": "SHA-256 over the hash before it and all stored parts, as docs/reference/data.md tells.",
            },
            "metadata": text("The stored metadata: a JSON text with actor, cause, channel, epoch and unit, as the hash covers it."),
            "occurredmicros": text("Instead of `time` where RFC 3339 cannot write the instant: microseconds since 1970."),
            "data": { "type": "object", "description": "The payload as it is stored, byte for byte." },
        },
    })
}
