//! From the resolved document to the model: every resource once, then what the functions' events add.

use std::collections::BTreeMap;

use super::{
    EventSource, EventSourceMapping, Function, HttpApi, HttpRoute, Template, apis,
    apis::Authorizers,
    error::TemplateError,
    events::{self, Event, Route},
    field::{Field, Place},
    front, functions,
    node::Node,
    resolve::Resolver,
    resources::{self, Block},
    yaml,
};

/// Types that do something at run time which the local stack does not do: to pass them over would mislead.
const REFUSED: [&str; 14] = [
    "AWS::Serverless::Api",
    "AWS::Serverless::Application",
    "AWS::Serverless::GraphQLApi",
    "AWS::Serverless::SimpleTable",
    "AWS::Serverless::StateMachine",
    "AWS::DynamoDB::GlobalTable",
    "AWS::Events::Rule",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::Url",
    "AWS::Pipes::Pipe",
    "AWS::Scheduler::Schedule",
    "AWS::SNS::Subscription",
    "AWS::StepFunctions::StateMachine",
];
/// Types that nothing runs: who may do what, who is told, and what functions read themselves.
const QUIET: [&str; 9] = [
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::Role",
    "AWS::Kinesis::StreamConsumer",
    "AWS::Logs::LogGroup",
    "AWS::S3::BucketPolicy",
    "AWS::SecretsManager::Secret",
    "AWS::SNS::Topic",
    "AWS::SQS::QueuePolicy",
];
const RUN: &str = "AWS::Serverless::Function, AWS::Serverless::WebSocketApi, AWS::Serverless::HttpApi, \
                   AWS::DynamoDB::Table, AWS::Kinesis::Stream, AWS::SQS::Queue, AWS::S3::Bucket and \
                   AWS::CloudFront::Distribution";
/// What SAM calls the API of routes that name none.
const IMPLICIT_HTTP_API: &str = "ServerlessHttpApi";

/// Reads a template's text.
pub(super) fn assemble(text: &str, overrides: &BTreeMap<String, String>) -> Result<Template, TemplateError> {
    let document = yaml::parse(text)?;
    let resolver = Resolver::new(&document, overrides)?;
    let resources = resolver.resources()?;
    let mut template = Template::default();
    let mut authorizers = Authorizers::default();
    for (id, node) in &resources {
        let kind = node.get("Type").and_then(Node::as_text);
        let kind = kind.ok_or_else(|| Place::of(id).then("Type").error(node.at, "is missing"))?;
        let block = Block::new(&resolver, id, node)?;
        match kind {
            "AWS::Serverless::Function" => {
                template.ignored.extend(functions::left_out(&block));
                let block = function_block(&resolver, block);
                template.functions.insert((*id).to_owned(), functions::function(&block)?);
            }
            "AWS::Serverless::WebSocketApi" => only_one(&mut template.websocket, apis::websocket(&block)?, id, node)?,
            "AWS::Serverless::HttpApi" => {
                let (api, of_api) = apis::http(&block)?;
                authorizers = of_api;
                only_one(&mut template.http, api, id, node)?;
            }
            "AWS::DynamoDB::Table" => template.tables.push(resources::table(&block)?),
            "AWS::Kinesis::Stream" => template.streams.push(resources::stream(&block)?),
            "AWS::SQS::Queue" => template.queues.push(resources::queue(&block)?),
            "AWS::S3::Bucket" => {
                template.notifications.extend(resources::notifications(&block)?);
                template.expirations.extend(resources::expirations(&block)?);
                template.buckets.push(block.name);
            }
            // Read below, when all that it may lead to is known.
            "AWS::CloudFront::Distribution" => {}
            refused if REFUSED.contains(&refused) => {
                let message = format!("{refused} is not supported by the local stack; supported are {RUN}");
                return Err(Place::of(id).then("Type").error(node.at, message));
            }
            quiet if QUIET.contains(&quiet) => {}
            _ => template.ignored.push((*id).to_owned()),
        }
    }
    for (id, node) in &resources {
        if template.functions.contains_key(*id) {
            let block = function_block(&resolver, Block::new(&resolver, id, node)?);
            add_events(&mut template, &authorizers, &block)?;
        }
    }
    for (id, node) in &resources {
        if node.get("Type").and_then(Node::as_text) == Some("AWS::CloudFront::Distribution") {
            let behaviors = front::behaviors(&Block::new(&resolver, id, node)?, &template)?;
            template.front.extend(behaviors);
        }
    }
    let is_reached = |id: &String| template.front.iter().any(|behavior| behavior.function.as_ref() == Some(id));
    let unreached = template.functions.values().filter(|function| function.has_url && !is_reached(&function.id));
    let unreached: Vec<_> = unreached.map(|function| format!("{}.FunctionUrlConfig", function.id)).collect();
    template.ignored.extend(unreached);
    check_routes(&template, &resources)?;
    check_notifications(&template, &resources)?;
    if let Some(http) = &mut template.http {
        http.routes.sort_by_key(specificity);
    }
    Ok(template)
}

fn function_block<'r, 't>(resolver: &'r Resolver<'t>, block: Block<'r, 't>) -> Block<'r, 't> {
    let properties = functions::with_globals(resolver.globals("Function"), &block.properties);
    Block { properties, ..block }
}

fn only_one<T>(slot: &mut Option<T>, api: T, id: &str, node: &Node) -> Result<(), TemplateError> {
    if slot.is_some() {
        let message = "the local stack runs one API of each kind, and this is the second";
        return Err(Place::of(id).then("Type").error(node.at, message));
    }
    *slot = Some(api);
    Ok(())
}

fn add_events(template: &mut Template, authorizers: &Authorizers, block: &Block<'_, '_>) -> Result<(), TemplateError> {
    let Some(declared) = block.property("Events")? else {
        return Ok(());
    };
    for (name, field) in declared.entries()? {
        match events::event(block.id, &name, &field)? {
            Event::Disabled => template.ignored.push(format!("{}.Events.{name}", block.id)),
            Event::Schedule(schedule) => template.schedules.push(schedule),
            Event::Mapping(mapping) => {
                check_source(template, &mapping).map_err(|message| field.error(message))?;
                template.event_sources.push(*mapping);
            }
            Event::Route(declared) => {
                let Route { api, mut route, authorizer } = *declared;
                let chosen = api.as_ref().map(Field::text).transpose()?;
                let id = chosen.as_deref().unwrap_or(IMPLICIT_HTTP_API);
                route.authorizer = authorizers.of_route(authorizer)?;
                let http = template.http.get_or_insert_with(|| HttpApi {
                    id: IMPLICIT_HTTP_API.to_owned(),
                    routes: Vec::new(),
                    cors: None,
                });
                if http.id != id {
                    let complaint = format!("there is no HTTP API {id}; the one of this template is {}", http.id);
                    return Err(api.unwrap_or(field).error(complaint));
                }
                http.routes.push(route);
            }
        }
    }
    Ok(())
}

/// Holds a mapping against its source, as Lambda does when the mapping is created.
fn check_source(template: &Template, mapping: &EventSourceMapping) -> Result<(), String> {
    match &mapping.source {
        EventSource::Sqs(name) => {
            let queue = template.queues.iter().find(|queue| queue.name == *name);
            let timeout_s = template.functions.get(&mapping.function).map_or(0, |function| function.timeout_s);
            match queue {
                Some(queue) if queue.visibility_timeout_s < timeout_s => Err(format!(
                    "{name}'s VisibilityTimeout of {} s is shorter than the function's Timeout of {timeout_s} s",
                    queue.visibility_timeout_s
                )),
                _ => Ok(()),
            }
        }
        EventSource::DynamoDb(name) => {
            let table = template.tables.iter().find(|table| table.name == *name);
            match table.and_then(|table| table.create.get("StreamSpecification")) {
                Some(_) => Ok(()),
                None => Err(format!("{name} has no StreamSpecification")),
            }
        }
        EventSource::Kinesis(_) => Ok(()),
    }
}

/// Every route and authorizer must name a function that is there.
fn check_routes(template: &Template, resources: &[(&str, &Node)]) -> Result<(), TemplateError> {
    let is_function = |function: &Function, id: &str| function.id == id;
    let Some(api) = &template.websocket else {
        return Ok(());
    };
    let at = resources.iter().find(|(id, _)| *id == api.id).map(|(_, node)| node.at).unwrap_or_default();
    let routes = api.routes.iter().map(|(key, function)| (apis::route_place(api, key), function));
    let authorizer = api.authorizer.iter().map(|function| (Place::of(&api.id).then("Auth"), function));
    for (place, id) in routes.chain(authorizer) {
        if !template.functions.values().any(|function| is_function(function, id)) {
            return Err(functions::unknown(id, &place, at));
        }
    }
    Ok(())
}

/// Every queue that a bucket tells must be there, and be none that S3 refuses.
fn check_notifications(template: &Template, resources: &[(&str, &Node)]) -> Result<(), TemplateError> {
    for notification in &template.notifications {
        let complain = |message: String| {
            let at = resources.iter().find(|(id, _)| id.to_lowercase() == notification.bucket).map(|(_, node)| node.at);
            Place::of(&notification.bucket).then("NotificationConfiguration").error(at.unwrap_or_default(), message)
        };
        match template.queues.iter().find(|queue| queue.name == notification.queue) {
            Some(queue) if queue.fifo => {
                return Err(complain(format!("S3 tells no FIFO queue, and {} is one", queue.name)));
            }
            Some(_) => {}
            None => return Err(complain(format!("there is no queue {}", notification.queue))),
        }
    }
    Ok(())
}

/// API Gateway prefers the most specific route: fixed parts, then `{parameters}`, then `{greedy+}`, then `$default`;
/// and a method before `ANY`.
fn specificity(route: &HttpRoute) -> (Vec<u8>, bool, String, String) {
    let rank = |part: &str| match part {
        "$default" => 3,
        greedy if greedy.ends_with("+}") => 2,
        parameter if parameter.starts_with('{') => 1,
        _ => 0,
    };
    let parts = route.path.trim_start_matches('/').split('/').map(rank).collect();
    (parts, route.method == "ANY", route.path.clone(), route.method.clone())
}
