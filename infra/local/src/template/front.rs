//! The distribution in front of the HTTP API and of function URLs: which paths it hands to which.

use super::{Behavior, Template, error::TemplateError, field::Field, names, resources::Block};

/// Where an origin leads.
#[derive(Clone, PartialEq)]
enum Origin {
    HttpApi,
    FunctionUrl(String),
    /// Something that is no part of this stack.
    Other,
}

/// Reads a distribution, once functions and APIs are known. Caching, methods and policies have no effect here.
pub(super) fn behaviors(block: &Block<'_, '_>, template: &Template) -> Result<Vec<Behavior>, TemplateError> {
    let config = block.require("DistributionConfig")?;
    let mut origins = Vec::new();
    for origin in config.require("Origins")?.items()? {
        origins.push((origin.require("Id")?.text()?, origin_of(&origin.require("DomainName")?, template)?));
    }
    let default = target(&config.require("DefaultCacheBehavior")?, &origins)?;
    if let Origin::FunctionUrl(_) = default {
        let behavior = config.require("DefaultCacheBehavior")?;
        return Err(behavior.error("must lead to the HTTP API in the local stack, or to what it does not serve"));
    }
    let mut behaviors = Vec::new();
    for behavior in config.get("CacheBehaviors").map_or(Ok(Vec::new()), |field| field.items())? {
        let pattern = behavior.require("PathPattern")?.text()?;
        match target(&behavior, &origins)? {
            Origin::FunctionUrl(function) => behaviors.push(Behavior { pattern, function: Some(function) }),
            Origin::HttpApi => behaviors.push(Behavior { pattern, function: None }),
            Origin::Other => {}
        }
    }
    Ok(behaviors)
}

fn target(behavior: &Field, origins: &[(String, Origin)]) -> Result<Origin, TemplateError> {
    let field = behavior.require("TargetOriginId")?;
    let id = field.text()?;
    let found = origins.iter().find(|(known, _)| *known == id);
    found.map(|(_, origin)| origin.clone()).ok_or_else(|| field.error(format!("there is no origin {id}")))
}

fn origin_of(domain: &Field, template: &Template) -> Result<Origin, TemplateError> {
    let name = domain.text()?;
    if let Some(function) = template.functions.values().find(|function| names::url_domain(&function.id) == name) {
        return Ok(Origin::FunctionUrl(function.id.clone()));
    }
    let is_api = template.http.as_ref().is_some_and(|api| names::api_domain(&api.id) == name);
    Ok(if is_api { Origin::HttpApi } else { Origin::Other })
}
