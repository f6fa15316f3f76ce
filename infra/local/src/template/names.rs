//! What resources are called: their names, ARNs and URLs in region `local`, and the way back from an ARN.

use super::{
    error::TemplateError,
    field::{Field, Place},
    node::{Node, Position},
    resolve::Resolver,
};

const REGION: &str = "local";
const ACCOUNT: &str = "000000000000";

/// The value of a pseudo parameter.
pub(super) fn pseudo_parameter(name: &str) -> Option<&'static str> {
    Some(match name {
        "AWS::Region" => REGION,
        "AWS::AccountId" => ACCOUNT,
        "AWS::Partition" => "aws",
        "AWS::URLSuffix" => "amazonaws.com",
        "AWS::StackName" => "callboard",
        "AWS::StackId" => "arn:aws:cloudformation:local:000000000000:stack/callboard/local",
        _ => return None,
    })
}

/// What `Ref` gives for a resource.
pub(super) fn reference(
    resolver: &Resolver<'_>,
    id: &str,
    at: Position,
    place: &Place,
) -> Result<String, TemplateError> {
    let (kind, name) = named(resolver, id, at, place)?;
    Ok(match &*kind {
        "AWS::SQS::Queue" => format!("http://local/{ACCOUNT}/{name}"),
        _ => name,
    })
}

/// What `GetAtt` gives for a resource.
pub(super) fn attribute(
    resolver: &Resolver<'_>,
    id: &str,
    attribute: &str,
    at: Position,
    place: &Place,
) -> Result<String, TemplateError> {
    if let Some(function) = function_of_url(resolver, id)? {
        return match attribute {
            "FunctionUrl" => Ok(format!("https://{}/", url_domain(function))),
            _ => Err(place.error(at, format!("{id} has no attribute {attribute} in the local stack"))),
        };
    }
    let (kind, name) = named(resolver, id, at, place)?;
    // A consumer only has the stream to itself: here it reads as all do.
    if (&*kind, attribute) == ("AWS::Kinesis::StreamConsumer", "ConsumerARN") {
        let stream = resolver.resource(id)?.and_then(|resource| resource.get("Properties")?.get("StreamARN"));
        let stream = stream.map(|node| resolver.field(node, Place::of(id).then("StreamARN"))).transpose()?.flatten();
        return stream
            .ok_or_else(|| Place::of(id).then("StreamARN").error(at, "is missing, and has no default"))?
            .text();
    }
    Ok(match (&*kind, attribute) {
        ("AWS::Serverless::Function", "Arn") => arn("lambda", &format!("function:{name}")),
        ("AWS::DynamoDB::Table", "Arn") => arn("dynamodb", &format!("table/{name}")),
        ("AWS::DynamoDB::Table", "StreamArn") => arn("dynamodb", &format!("table/{name}/stream/local")),
        ("AWS::Kinesis::Stream", "Arn") => arn("kinesis", &format!("stream/{name}")),
        ("AWS::SQS::Queue", "Arn") => arn("sqs", &name),
        ("AWS::SQS::Queue", "QueueName") => name,
        ("AWS::SQS::Queue", "QueueUrl") => format!("http://local/{ACCOUNT}/{name}"),
        ("AWS::S3::Bucket", "Arn") => format!("arn:aws:s3:::{name}"),
        ("AWS::S3::Bucket", "DomainName" | "RegionalDomainName") => {
            format!("{name}.s3.amazonaws.com")
        }
        ("AWS::Serverless::HttpApi" | "AWS::Serverless::WebSocketApi", "ApiEndpoint") => {
            let scheme = if kind.ends_with("HttpApi") { "https" } else { "wss" };
            format!("{scheme}://{}", api_domain(&name))
        }
        (
            "AWS::Serverless::Function"
            | "AWS::DynamoDB::Table"
            | "AWS::Kinesis::Stream"
            | "AWS::SQS::Queue"
            | "AWS::S3::Bucket"
            | "AWS::Serverless::HttpApi"
            | "AWS::Serverless::WebSocketApi",
            _,
        ) => {
            let message = format!("{kind} {id} has no attribute {attribute} in the local stack");
            return Err(place.error(at, message));
        }
        // A resource that nothing runs: its attributes only need to be distinct.
        (_, "Arn") => arn("local", id),
        (_, _) => format!("{id}.{attribute}"),
    })
}

/// The domain of a function's URL.
pub(super) fn url_domain(function: &str) -> String {
    format!("{}.lambda-url.{REGION}.on.aws", function.to_lowercase())
}

/// The domain of an API.
pub(super) fn api_domain(api: &str) -> String {
    format!("{api}.execute-api.{REGION}.amazonaws.com")
}

/// The function whose URL a name stands for, if it does: SAM makes the resource `<function>Url`.
fn function_of_url<'a>(resolver: &Resolver<'_>, id: &'a str) -> Result<Option<&'a str>, TemplateError> {
    let Some(function) = id.strip_suffix("Url") else {
        return Ok(None);
    };
    let resource = resolver.resource(function)?;
    let config = resource.and_then(|resource| resource.get("Properties")?.get("FunctionUrlConfig"));
    Ok(config.map(|_| function))
}

fn arn(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}")
}

/// A resource's type and name.
fn named(resolver: &Resolver<'_>, id: &str, at: Position, place: &Place) -> Result<(String, String), TemplateError> {
    let resource = resolver
        .resource(id)?
        .ok_or_else(|| place.error(at, format!("there is no parameter or resource {id}, or its condition is false")))?;
    let kind = resource.get("Type").and_then(Node::as_text).unwrap_or_default();
    Ok((kind.to_owned(), name_of(resolver, id, resource)?))
}

/// A resource's name: what its own property says, else its logical id.
pub(super) fn name_of(resolver: &Resolver<'_>, id: &str, resource: &Node) -> Result<String, TemplateError> {
    let properties = resource.get("Properties");
    let property = |name: &str| -> Result<Option<String>, TemplateError> {
        let Some(node) = properties.and_then(|properties| properties.get(name)) else {
            return Ok(None);
        };
        let field = resolver.field(node, Place::of(id).then(name))?;
        field.as_ref().map(Field::text).transpose()
    };
    Ok(match resource.get("Type").and_then(Node::as_text).unwrap_or_default() {
        "AWS::DynamoDB::Table" => property("TableName")?.unwrap_or_else(|| id.to_owned()),
        "AWS::Kinesis::Stream" => property("Name")?.unwrap_or_else(|| id.to_owned()),
        // Upper case is not allowed in a bucket's name.
        "AWS::S3::Bucket" => property("BucketName")?.unwrap_or_else(|| id.to_lowercase()),
        "AWS::SQS::Queue" => match property("QueueName")? {
            Some(name) => name,
            None if property("FifoQueue")?.as_deref() == Some("true") => format!("{id}.fifo"),
            None => id.to_owned(),
        },
        _ => id.to_owned(),
    })
}

/// What an ARN of this module points to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    Function(String),
    Table(String),
    TableStream(String),
    Stream(String),
    Queue(String),
    Bucket(String),
}

/// The way back from an ARN; none if it is not one of this template's.
pub(super) fn target(arn: &str) -> Option<Target> {
    let mut parts = arn.strip_prefix("arn:aws:")?.splitn(4, ':');
    let (service, _region, _account, rest) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(match service {
        "lambda" => Target::Function(rest.strip_prefix("function:")?.to_owned()),
        "dynamodb" => {
            let table = rest.strip_prefix("table/")?;
            match table.split_once("/stream/") {
                Some((table, _)) => Target::TableStream(table.to_owned()),
                None => Target::Table(table.to_owned()),
            }
        }
        "kinesis" => Target::Stream(rest.strip_prefix("stream/")?.to_owned()),
        "sqs" => Target::Queue(rest.to_owned()),
        "s3" => Target::Bucket(rest.to_owned()),
        _ => return None,
    })
}
