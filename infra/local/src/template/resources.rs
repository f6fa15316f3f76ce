//! What stores and carries: tables, streams, queues and buckets.

use serde_json::{Map, Value, json};

use super::{
    Expiration, Notification, Queue, Stream, Table,
    error::TemplateError,
    field::{Field, Place},
    names::{self, Target},
    node::{Kind, Node},
    resolve::Resolver,
};

/// One resource: its logical id, its name and its properties, each resolved when it is asked for.
pub(super) struct Block<'r, 't> {
    pub(super) resolver: &'r Resolver<'t>,
    pub(super) id: &'t str,
    pub(super) name: String,
    pub(super) properties: Node,
}

impl<'r, 't> Block<'r, 't> {
    pub(super) fn new(resolver: &'r Resolver<'t>, id: &'t str, resource: &Node) -> Result<Self, TemplateError> {
        let empty = Node { kind: Kind::Map(Vec::new()), at: resource.at };
        Ok(Block {
            resolver,
            id,
            name: names::name_of(resolver, id, resource)?,
            properties: resource.get("Properties").cloned().unwrap_or(empty),
        })
    }

    pub(super) fn property(&self, name: &str) -> Result<Option<Field>, TemplateError> {
        match self.properties.get(name) {
            Some(node) => self.resolver.field(node, Place::of(self.id).then(name)),
            None => Ok(None),
        }
    }

    pub(super) fn require(&self, name: &str) -> Result<Field, TemplateError> {
        self.property(name)?
            .ok_or_else(|| Place::of(self.id).then(name).error(self.properties.at, "is missing, and has no default"))
    }

    fn count(&self, name: &str, default: u64, most: i64) -> Result<u64, TemplateError> {
        self.property(name)?.map_or(Ok(default), |field| field.count(0..=most))
    }

    fn flag(&self, name: &str) -> Result<bool, TemplateError> {
        self.property(name)?.map_or(Ok(false), |field| field.boolean())
    }
}

pub(super) fn table(block: &Block<'_, '_>) -> Result<Table, TemplateError> {
    let mut create = Map::new();
    create.insert("TableName".to_owned(), json!(block.name));
    for name in ["AttributeDefinitions", "KeySchema"] {
        create.insert(name.to_owned(), block.require(name)?.node.to_json());
    }
    for name in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes", "BillingMode", "ProvisionedThroughput"] {
        if let Some(field) = block.property(name)? {
            create.insert(name.to_owned(), field.node.to_json());
        }
    }
    if let Some(field) = block.property("StreamSpecification")? {
        let views = ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"];
        let view = field.require("StreamViewType")?.one_of(&views)?;
        create.insert("StreamSpecification".to_owned(), json!({"StreamEnabled": true, "StreamViewType": view}));
    }
    let ttl_attribute = match block.property("TimeToLiveSpecification")? {
        Some(field) if field.require("Enabled")?.boolean()? => Some(field.require("AttributeName")?.text()?),
        _ => None,
    };
    Ok(Table { name: block.name.clone(), create: Value::Object(create), ttl_attribute })
}

pub(super) fn stream(block: &Block<'_, '_>) -> Result<Stream, TemplateError> {
    let shards = block.property("ShardCount")?.map_or(Ok(1), |field| field.count(1..=1000))?;
    let retention_hours = block.property("RetentionPeriodHours")?.map_or(Ok(24), |field| field.count(24..=8760))?;
    let shards = usize::try_from(shards).unwrap_or(1);
    Ok(Stream { name: block.name.clone(), shards, retention_hours })
}

pub(super) fn queue(block: &Block<'_, '_>) -> Result<Queue, TemplateError> {
    let fifo = block.flag("FifoQueue")?;
    if fifo != block.name.ends_with(".fifo") {
        let field = block.property("QueueName")?;
        let message = "a FIFO queue's name ends in .fifo, and no other's does";
        return Err(field.map_or_else(
            || Place::of(block.id).then("QueueName").error(block.properties.at, message),
            |field| field.error(message),
        ));
    }
    Ok(Queue {
        name: block.name.clone(),
        visibility_timeout_s: block.count("VisibilityTimeout", 30, 43_200)?,
        redrive: block.property("RedrivePolicy")?.map(|field| redrive(&field)).transpose()?,
        retention_s: block.count("MessageRetentionPeriod", 345_600, 1_209_600)?,
        delay_s: block.count("DelaySeconds", 0, 900)?,
        fifo,
        content_based_deduplication: block.flag("ContentBasedDeduplication")?,
    })
}

/// When a bucket's objects are removed. Rules that do something else change nothing on one machine.
pub(super) fn expirations(block: &Block<'_, '_>) -> Result<Vec<Expiration>, TemplateError> {
    let Some(configuration) = block.property("LifecycleConfiguration")? else { return Ok(Vec::new()) };
    let mut expirations = Vec::new();
    for rule in configuration.require("Rules")?.items()? {
        let enabled = rule.require("Status")?.one_of(&["Enabled", "Disabled"])? == "Enabled";
        let Some(days) = rule.get("ExpirationInDays").filter(|_| enabled) else { continue };
        let prefix = rule.get("Prefix").map_or(Ok(String::new()), |field| field.text())?;
        expirations.push(Expiration { bucket: block.name.clone(), prefix, days: days.count(1..=36_500)? });
    }
    Ok(expirations)
}

/// What a bucket tells queues of. Of the events, those count that are of created objects, all of them.
pub(super) fn notifications(block: &Block<'_, '_>) -> Result<Vec<Notification>, TemplateError> {
    let Some(configuration) = block.property("NotificationConfiguration")? else { return Ok(Vec::new()) };
    configuration.only(&["QueueConfigurations"])?;
    let told = configuration.require("QueueConfigurations")?.items()?;
    told.iter().map(|told| notification(&block.name, told)).collect()
}

fn notification(bucket: &str, told: &Field) -> Result<Notification, TemplateError> {
    told.only(&["Event", "Queue", "Filter"])?;
    told.require("Event")?.one_of(&["s3:ObjectCreated:*"])?;
    let queue = told.require("Queue")?;
    let Some(Target::Queue(queue)) = names::target(&queue.text()?) else {
        return Err(queue.error("must be the ARN of a queue of this template"));
    };
    let mut notification =
        Notification { bucket: bucket.to_owned(), queue, prefix: String::new(), suffix: String::new() };
    if let Some(filter) = told.get("Filter") {
        for rule in filter.require("S3Key")?.require("Rules")?.items()? {
            let value = rule.require("Value")?.text()?;
            match &*rule.require("Name")?.one_of(&["prefix", "suffix"])? {
                "prefix" => notification.prefix = value,
                _ => notification.suffix = value,
            }
        }
    }
    Ok(notification)
}

fn redrive(policy: &Field) -> Result<(String, u32), TemplateError> {
    let target = policy.require("deadLetterTargetArn")?;
    let Some(Target::Queue(name)) = names::target(&target.text()?) else {
        return Err(target.error("must be the ARN of a queue of this template"));
    };
    let count = policy.require("maxReceiveCount")?.count(1..=1000)?;
    Ok((name, u32::try_from(count).unwrap_or(u32::MAX)))
}
