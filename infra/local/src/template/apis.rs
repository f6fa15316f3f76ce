//! The WebSocket API and the HTTP API, but not the HTTP routes: those stand with the functions, as events.

use super::{
    Cors, HttpApi, WebSocketApi,
    error::TemplateError,
    field::{Field, Place},
    names::{self, Target},
    resources::Block,
};

/// Reads a WebSocket API.
pub(super) fn websocket(block: &Block<'_, '_>) -> Result<WebSocketApi, TemplateError> {
    let selection = block.require("RouteSelectionExpression")?;
    let expression = selection.text()?;
    let route_property = expression
        .strip_prefix("$request.body.")
        .filter(|name| !name.is_empty() && !name.contains(['.', '[', ' ']))
        .ok_or_else(|| selection.error(format!("{expression} is not supported; supported is $request.body.<name>")))?
        .to_owned();
    let mut api = WebSocketApi {
        id: block.id.to_owned(),
        stage: block.property("StageName")?.map_or(Ok("default".to_owned()), |field| field.text())?,
        route_property,
        routes: Default::default(),
        authorizer: None,
    };
    for (key, route) in block.require("Routes")?.entries()? {
        route.only(&["FunctionArn", "OperationName", "IntegrationTimeout"])?;
        api.routes.insert(key, function_of(&route.require("FunctionArn")?)?);
    }
    if let Some(auth) = block.property("Auth")? {
        auth.only(&["AuthType", "AuthArn", "Name", "InvokeRole"])?;
        if auth.require("AuthType")?.one_of(&["NONE", "CUSTOM"])? == "CUSTOM" {
            api.authorizer = Some(function_of(&auth.require("AuthArn")?)?);
        }
    }
    Ok(api)
}

/// The function that an ARN names.
pub(super) fn function_of(field: &Field) -> Result<String, TemplateError> {
    match names::target(&field.text()?) {
        Some(Target::Function(id)) => Ok(id),
        _ => Err(field.error("must be the ARN of a function of this template")),
    }
}

/// An HTTP API's authorizers by name, and which one a route has unless it says otherwise.
#[derive(Debug, Clone, Default)]
pub(super) struct Authorizers {
    functions: Vec<(String, String)>,
    default: Option<String>,
}

impl Authorizers {
    /// The function that authorizes a route.
    pub(super) fn of_route(&self, chosen: Option<Field>) -> Result<Option<String>, TemplateError> {
        let Some(field) = chosen else {
            return Ok(self.default.clone());
        };
        let name = field.text()?;
        if name == "NONE" {
            return Ok(None);
        }
        self.function(&name, &field).map(Some)
    }

    fn function(&self, name: &str, field: &Field) -> Result<String, TemplateError> {
        let found = self.functions.iter().find(|(known, _)| known == name);
        found.map(|(_, function)| function.clone()).ok_or_else(|| {
            let names: Vec<_> = self.functions.iter().map(|(name, _)| name.as_str()).collect();
            field.error(format!("there is no authorizer {name}; there are NONE, {}", names.join(", ")))
        })
    }
}

/// Reads an HTTP API; its routes are added by the functions that serve them.
pub(super) fn http(block: &Block<'_, '_>) -> Result<(HttpApi, Authorizers), TemplateError> {
    if let Some(field) = block.property("DefinitionBody")?.or(block.property("DefinitionUri")?) {
        return Err(
            field.error("is not supported by the local stack; routes are read from the functions' HttpApi events")
        );
    }
    if let Some(stage) = block.property("StageName")? {
        stage.one_of(&["$default"])?;
    }
    let mut authorizers = Authorizers::default();
    if let Some(auth) = block.property("Auth")? {
        auth.only(&["Authorizers", "DefaultAuthorizer"])?;
        for (name, authorizer) in auth.get("Authorizers").map_or(Ok(Vec::new()), |field| field.entries())? {
            authorizers.functions.push((name, authorizer_function(&authorizer)?));
        }
        if let Some(field) = auth.get("DefaultAuthorizer") {
            authorizers.default = Some(authorizers.function(&field.text()?, &field)?);
        }
    }
    let cors = block.property("CorsConfiguration")?.map(|field| cors(&field)).transpose()?;
    let api = HttpApi { id: block.id.to_owned(), routes: Vec::new(), cors: cors.flatten() };
    Ok((api, authorizers))
}

fn authorizer_function(authorizer: &Field) -> Result<String, TemplateError> {
    authorizer.only(&[
        "FunctionArn",
        "FunctionInvokeRole",
        "AuthorizerPayloadFormatVersion",
        "EnableSimpleResponses",
        "EnableFunctionDefaultPermissions",
    ])?;
    authorizer.require("AuthorizerPayloadFormatVersion")?.one_of(&["2.0", "2"])?;
    authorizer.require("EnableSimpleResponses")?.one_of(&["true"])?;
    function_of(&authorizer.require("FunctionArn")?)
}

fn cors(field: &Field) -> Result<Option<Cors>, TemplateError> {
    if field.node.as_text().is_some() {
        let everything = || vec!["*".to_owned()];
        return Ok(field.boolean()?.then(|| Cors {
            allow_origins: everything(),
            allow_methods: everything(),
            allow_headers: everything(),
            ..Cors::default()
        }));
    }
    field.only(&["AllowOrigins", "AllowMethods", "AllowHeaders", "ExposeHeaders", "AllowCredentials", "MaxAge"])?;
    let list = |name: &str| -> Result<Vec<String>, TemplateError> {
        let items = field.get(name).map_or(Ok(Vec::new()), |field| field.items())?;
        items.iter().map(Field::text).collect()
    };
    Ok(Some(Cors {
        allow_origins: list("AllowOrigins")?,
        allow_methods: list("AllowMethods")?,
        allow_headers: list("AllowHeaders")?,
        expose_headers: list("ExposeHeaders")?,
        allow_credentials: field.get("AllowCredentials").map_or(Ok(false), |field| field.boolean())?,
        max_age_s: field.get("MaxAge").map(|field| field.count(-1..=86_400)).transpose()?,
    }))
}

/// Where a complaint about a route of the WebSocket API points.
pub(super) fn route_place(api: &WebSocketApi, key: &str) -> Place {
    Place::of(&api.id).then("Routes").then(key)
}
