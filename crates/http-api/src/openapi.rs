//! The routes, each with its description: what is served and what is documented cannot differ.

use std::sync::Arc;

use axum::{Router, http::Method, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, PathItem, Ref,
    RefOr, Required, ResponseBuilder, SecurityRequirement,
    path::{Operation, ParameterBuilder, ParameterIn},
    schema::{Schema, SchemaType, Type},
    security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

use crate::{
    api::{Api, Shared},
    auth, batches, buyers, catalog, cells, channels, claim, edge, event, explain, export, find, health,
    import, imported, inbound, inbox, journeys, models,
    orders::{self, actions, causes, history, read},
    past_orders, procure, projections, sql, stream, subscriptions, terms, views,
};

type Routes = OpenApiRouter<Shared>;

/// Routes for everybody, bounded in time.
fn open_routes() -> Routes {
    Routes::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(health::time))
        .routes(routes!(health::errors))
        .routes(routes!(health::error))
        .routes(routes!(inbound::account))
        .routes(routes!(inbound::topic))
        .routes(routes!(inbound::spi))
        .routes(routes!(claim::claim))
}

/// Routes for token holders, bounded in time.
fn operator_routes() -> Routes {
    Routes::new()
        .routes(routes!(channels::protocols))
        .routes(routes!(channels::list, channels::connect))
        .routes(routes!(explain::explain))
        .routes(routes!(channels::suspend))
        .routes(routes!(channels::resume))
        .routes(routes!(terms::set))
        .routes(routes!(journeys::touch))
        .routes(routes!(channels::listings, channels::map))
        .routes(routes!(channels::unmap))
        .routes(routes!(catalog::list))
        .routes(routes!(catalog::define))
        .routes(routes!(catalog::prices, catalog::set_price))
        .routes(routes!(catalog::quotas))
        .routes(routes!(catalog::set_quota))
        .routes(routes!(catalog::void))
        .routes(routes!(procure::procure))
        .routes(routes!(procure::list))
        .routes(routes!(batches::list))
        .routes(routes!(batches::key))
        .routes(routes!(batches::quarantine))
        .routes(routes!(batches::lift))
        .routes(routes!(read::list))
        .routes(routes!(read::one))
        .routes(routes!(read::state))
        .routes(routes!(history::events))
        .routes(routes!(causes::causes))
        .routes(routes!(orders::export::export))
        .routes(routes!(imported::list, imported::take_in))
        .routes(routes!(imported::one))
        .routes(routes!(imported::state))
        .routes(routes!(actions::resend))
        .routes(routes!(actions::replace))
        .routes(routes!(actions::refund))
        .routes(routes!(actions::refuse_refund))
        .routes(routes!(actions::settle_refund))
        .routes(routes!(actions::hold))
        .routes(routes!(actions::release))
        .routes(routes!(actions::note))
        .routes(routes!(actions::reveal))
        .routes(routes!(past_orders::take_over))
        .routes(routes!(find::find))
        .routes(routes!(claim::link))
        .routes(routes!(buyers::one))
        .routes(routes!(buyers::timeline))
        .routes(routes!(buyers::link))
        .routes(routes!(buyers::unlink))
        .routes(routes!(views::catalogue))
        .routes(routes!(views::schema))
        .routes(routes!(views::rows))
        .routes(routes!(sql::sql))
        .routes(routes!(cells::explain_cell))
        .routes(routes!(projections::projections))
        .routes(routes!(subscriptions::list))
        .routes(routes!(subscriptions::set, subscriptions::end))
        .routes(routes!(subscriptions::rotate))
        .routes(routes!(subscriptions::deliveries))
        .routes(routes!(subscriptions::resend_webhooks))
        .routes(routes!(inbox::list))
        .routes(routes!(inbox::one))
        .routes(routes!(stream::events))
        .routes(routes!(event::one))
}

/// Routes for token holders that take as long as they take.
fn long_routes() -> Routes {
    Routes::new()
        .routes(routes!(import::keys))
        .routes(routes!(export::export))
        .routes(routes!(projections::rebuild))
        .routes(routes!(models::fit))
        .routes(routes!(stream::follow))
}

/// Methods and paths of the routes that take as long as they take.
pub(crate) fn long() -> Vec<(Method, String)> {
    let paths = long_routes().into_openapi().paths.paths;
    let methods = |item: &PathItem| {
        [(&item.get, Method::GET), (&item.post, Method::POST)]
            .into_iter()
            .filter_map(|(operation, method)| operation.is_some().then_some(method))
            .collect::<Vec<_>>()
    };
    paths
        .iter()
        .flat_map(|(path, item)| methods(item).into_iter().map(|method| (method, path.clone())))
        .collect()
}

/// The description of the API (OpenAPI 3.1), as served at `/openapi.json`.
pub fn openapi() -> OpenApi {
    let mut operators = operator_routes().merge(long_routes()).into_openapi();
    for item in operators.paths.paths.values_mut() {
        for (posts, operation) in operations(item) {
            // These read, by POST only because the question has a body; a history is told by its content.
            let reads = ["explain", "take_in", "sql", "export", "rebuild", "resend_webhooks"];
            let writes = posts && !operation.operation_id.as_deref().is_some_and(|id| reads.contains(&id));
            describe_operator(operation, writes);
        }
    }
    let mut all = OpenApiBuilder::new().info(info()).components(Some(components())).build();
    all.merge(open_routes().into_openapi());
    all.merge(operators);
    for item in all.paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            describe_problem(operation);
        }
    }
    // The router's mark for "the rest of the path" is not one of OpenAPI's.
    all.paths.paths = std::mem::take(&mut all.paths.paths)
        .into_iter()
        .map(|(path, item)| (path.replace("{*", "{"), item))
        .collect();
    all
}

/// The routes of an API. Add nothing behind it that needs a token: that is decided here.
pub fn router(api: impl Into<Arc<Api>>) -> Router {
    let api: Shared = api.into();
    let bounded = |routes: Routes| {
        let timed = middleware::from_fn_with_state(api.clone(), edge::bound_time);
        Router::from(routes.route_layer(timed))
    };
    let operators = bounded(operator_routes()).merge(Router::from(long_routes()));
    let operators = operators.route_layer(middleware::from_fn_with_state(api.clone(), auth::require));
    bounded(open_routes())
        .merge(operators)
        .with_state(api)
        .merge(SwaggerUi::new("/docs").url("/openapi.json", openapi()))
        .fallback(edge::not_found)
        .method_not_allowed_fallback(edge::method_not_allowed)
        .layer(CatchPanicLayer::custom(edge::panicked))
        .layer(middleware::from_fn(edge::observe))
}

fn info() -> utoipa::openapi::Info {
    InfoBuilder::new()
        .title("Kami")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Sells card keys on many channels. Errors are problem details (RFC 9457) with a stable `code`; \
             `/errors` lists them. Writes take an `Idempotency-Key`: a repeat gets the same answer, byte for byte. \
             Lists have a `next` to ask on with; `min_pos` waits for what was just written.",
        ))
        .build()
}

fn components() -> utoipa::openapi::Components {
    ComponentsBuilder::new()
        .security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
        .schema("Problem", problem_schema())
        .build()
}

fn problem_schema() -> RefOr<Schema> {
    let of = |kind: Type, meaning: &str| {
        ObjectBuilder::new().schema_type(SchemaType::new(kind)).description(Some(meaning)).build()
    };
    ObjectBuilder::new()
        .description(Some("Problem details, RFC 9457"))
        .property("type", of(Type::String, "Where the code is explained"))
        .property("title", of(Type::String, "What is wrong, in English"))
        .property("title_zh", of(Type::String, "What is wrong, in Chinese"))
        .property("status", of(Type::Integer, "The HTTP status"))
        .property("code", of(Type::String, "The stable code"))
        .property("detail", of(Type::String, "What exactly"))
        .property("retryable", of(Type::Boolean, "Whether the same request may succeed later"))
        .required("type")
        .required("title")
        .required("title_zh")
        .required("status")
        .required("code")
        .required("retryable")
        .into()
}

/// The operations of a path, and whether each writes.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let read = [&mut item.get, &mut item.head].into_iter().flatten().map(|operation| (false, operation));
    let write = [&mut item.post, &mut item.put, &mut item.delete, &mut item.patch].into_iter().flatten();
    read.chain(write.map(|operation| (true, operation)))
}

fn describe_operator(operation: &mut Operation, writes: bool) {
    let no_scopes: [&str; 0] = [];
    operation.security = Some(vec![SecurityRequirement::new("token", no_scopes)]);
    if writes {
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("1 to 128 visible ASCII characters; a repeat gets the stored answer"))
            .schema(Some(ObjectBuilder::new().schema_type(SchemaType::new(Type::String))))
            .build();
        operation.parameters.get_or_insert_default().push(key.into());
    }
}

fn describe_problem(operation: &mut Operation) {
    let problem = ResponseBuilder::new()
        .description("A problem")
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build(),
        )
        .build();
    operation.responses.responses.insert("default".to_owned(), problem.into());
}
