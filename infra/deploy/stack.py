"""What `make deploy`, `make key` and `make destroy` do besides SAM: the page, the keys, and that nothing is left.

    stack.py architecture ENV           what samconfig.toml says that ENV's functions are built for
    stack.py publish STACK FOLDER       the page into its bucket, with how long browsers may keep each file
    stack.py smoke STACK                whether the page, the REST API and the socket's door answer
    stack.py key STACK NAME             a key, read from the standard input, into its secret; functions start anew with it
    stack.py destroy STACK [--keep-data]
"""

import argparse
import getpass
import http.client
import json
import mimetypes
import pathlib
import sys
import time
import tomllib
import urllib.parse

import boto3
from botocore.exceptions import ClientError

ROOT = pathlib.Path(__file__).resolve().parents[2]

FOR_EVER = "public, max-age=31536000, immutable"
"""Of files whose name holds a digest of what is in them."""
ASK_FIRST = "no-cache"
KEPT_S = 7 * 86_400
"""So long after a newer page came, parts of an older one are still there for whoever has it open."""

TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".html": "text/html; charset=utf-8",
         ".json": "application/json", ".svg": "image/svg+xml", ".wasm": "application/wasm", ".wav": "audio/wav",
         ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8", ".map": "application/json"}

DATA = ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue"]
"""What a stack leaves behind where its template says Retain."""


def architecture(environment):
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    if environment not in config:
        known = ", ".join(name for name in config if isinstance(config[name], dict) and name != "default")
        sys.exit(f"error: samconfig.toml has no environment {environment}: it has {known}")
    overrides = config[environment]["deploy"]["parameters"].get("parameter_overrides", [])
    given = dict(override.split("=", 1) for override in overrides)
    return given.get("Architecture", "arm64")


def resources(stack):
    """Physical ids by logical ids and type."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return [(found["LogicalResourceId"], found["ResourceType"], found.get("PhysicalResourceId"))
            for page in pages for found in page["StackResourceSummaries"] if found.get("PhysicalResourceId")]


def outputs(stack):
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


# ---------------------------------------------------------------- the page
def headers(name):
    """Content type, and how long it may be kept, of a file of the page."""
    suffix = pathlib.PurePosixPath(name).suffix
    kind = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return {"ContentType": kind, "CacheControl": FOR_EVER if name.startswith("assets/") else ASK_FIRST}


def order(names):
    """Parts first, and last what names them: nobody gets a page whose parts are not there."""
    return sorted(names, key=lambda name: (not name.startswith("assets/"), name == "index.html", name))


def publish(stack, folder):
    folder = pathlib.Path(folder)
    names = order(path.relative_to(folder).as_posix() for path in folder.rglob("*")
                  if path.is_file() and path.suffix != ".gz")
    if "index.html" not in names:
        sys.exit(f"error: {folder} has no index.html: run make web")
    told = outputs(stack)
    s3, bucket = boto3.client("s3"), told["SiteBucketName"]
    for name in names:
        s3.put_object(Bucket=bucket, Key=name, Body=(folder / name).read_bytes(), **headers(name))
    now, removed = time.time(), 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", []):
            if found["Key"] not in names and now - found["LastModified"].timestamp() > KEPT_S:
                s3.delete_object(Bucket=bucket, Key=found["Key"])
                removed += 1
    boto3.client("cloudfront").create_invalidation(
        DistributionId=told["FrontId"],
        InvalidationBatch={"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": str(time.time_ns())})
    print(f"the page is published: {len(names)} files, {removed} old ones removed")
    for name, value in sorted(told.items()):
        print(f"  {name:18} {value}")


# ---------------------------------------------------------------- does it answer
def smoke(stack):
    """Asks what needs no account; a distribution takes minutes until it is everywhere."""
    address = outputs(stack)["FrontUrl"]
    for path, expected, holds in [("/health", 200, b"ok"), ("/", 200, b"<div"), ("/v1/calls", 401, b""), ("/ws", 401, b"")]:
        wanted = time.monotonic() + 600
        while (problem := wrong(address + path, expected, holds)) is not None:
            if time.monotonic() > wanted:
                sys.exit(f"error: {address}{path} {problem}")
            time.sleep(5)
        print(f"{address}{path} answers {expected}")


def wrong(url, expected, holds):
    """What is wrong with an answer; none where nothing is."""
    asked = urllib.parse.urlsplit(url)
    door = http.client.HTTPSConnection if asked.scheme == "https" else http.client.HTTPConnection
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="} if asked.path == "/ws" else {}
    connection = door(asked.netloc, timeout=10)
    try:
        connection.request("GET", asked.path, headers=upgrade)
        answer = connection.getresponse()
        status, body = answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer: {error}"
    finally:
        connection.close()
    if status != expected:
        return f"answers {status} instead of {expected}"
    return None if holds in body else f"answers without {holds.decode()}"


# ---------------------------------------------------------------- keys
def key(stack, name):
    """Puts a key into the secret that has its name, past every parameter, and lets all functions start anew."""
    secrets = boto3.client("secretsmanager")
    for _, kind, arn in resources(stack):
        if kind != "AWS::SecretsManager::Secret":
            continue
        held = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
        if name in held:
            break
    else:
        sys.exit(f"error: {stack} has no secret with {name}: there are SPEECH_API_KEY, RECORDINGS_API_KEY, MODEL_API_KEY, "
                 "RECORDINGS_HOOK_SECRET, REDACTION_KEY and SIGNING_KEY_SECRET")
    value = (getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.read()).strip()
    if not value:
        sys.exit(f"error: no {name} was given: type it, or send it to the standard input")
    version = secrets.put_secret_value(SecretId=arn, SecretString=json.dumps({**held, name: value}))["VersionId"]
    restart(stack, version)
    print(f"{name} is another, and all functions read it when they start next, which is now")


def restart(stack, version):
    cloudformation = boto3.client("cloudformation")
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    parameters = [{"ParameterKey": given["ParameterKey"], "UsePreviousValue": True}
                  for given in described.get("Parameters", []) if given["ParameterKey"] != "SecretsVersion"]
    cloudformation.update_stack(StackName=stack, UsePreviousTemplate=True,
                                Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
                                Parameters=[*parameters, {"ParameterKey": "SecretsVersion", "ParameterValue": version}])
    cloudformation.get_waiter("stack_update_complete").wait(StackName=stack)


# ---------------------------------------------------------------- the end
def destroy(stack, keep_data):
    owned = resources(stack)
    data = [found for found in owned if found[1] in DATA]
    what = "and keeps its tables, buckets and queues" if keep_data else "with every call, recording and account in it"
    print(f"this removes {stack} from account {boto3.client('sts').get_caller_identity()['Account']}, {what}")
    if input(f"type {stack} to go on: ").strip() != stack:
        sys.exit("nothing was removed")
    cloudformation = boto3.client("cloudformation")
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack)
    for _, kind, arn in owned:
        if kind == "AWS::SecretsManager::Secret":
            ignore("ResourceNotFoundException", boto3.client("secretsmanager").delete_secret,
                   SecretId=arn, ForceDeleteWithoutRecovery=True)
    remove_code(stack)
    if keep_data:
        kept = [physical for _, _, physical in data if exists(physical, data)]
        print("kept:", *kept, sep="\n  ")
    else:
        for _, kind, physical in data:
            remove(kind, physical)
    left = orphans(stack, data if keep_data else [])
    if left:
        sys.exit("error: these are still there: " + ", ".join(left))
    print(f"{stack} is removed, and nothing is left of it" + (" but what is kept" if keep_data else ""))


def remove(kind, physical):
    if kind == "AWS::S3::Bucket":
        bucket = boto3.resource("s3").Bucket(physical)
        ignore("NoSuchBucket", lambda: (bucket.object_versions.delete(), bucket.delete()))
    elif kind == "AWS::DynamoDB::Table":
        ignore("ResourceNotFoundException", boto3.client("dynamodb").delete_table, TableName=physical)
    else:
        ignore(("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
               boto3.client("sqs").delete_queue, QueueUrl=physical)


def exists(physical, data):
    """Whether a stack left it behind."""
    kind = next(kind for _, kind, known in data if known == physical)
    asked = {"AWS::S3::Bucket": lambda: boto3.client("s3").head_bucket(Bucket=physical),
             "AWS::DynamoDB::Table": lambda: boto3.client("dynamodb").describe_table(TableName=physical),
             "AWS::SQS::Queue": lambda: boto3.client("sqs").get_queue_attributes(QueueUrl=physical)}[kind]
    try:
        asked()
    except ClientError:
        return False
    return True


def remove_code(stack):
    """What SAM put up of the functions, which stays in its own bucket."""
    try:
        bucket = outputs("aws-sam-cli-managed-default")["SourceBucket"]
    except (ClientError, KeyError):
        return
    boto3.resource("s3").Bucket(bucket).object_versions.filter(Prefix=f"{stack}/").delete()


def orphans(stack, kept):
    """ARNs that still bear the stack's name, but for what was kept."""
    pages = boto3.client("resourcegroupstaggingapi").get_paginator("get_resources").paginate(
        TagFilters=[{"Key": "aws:cloudformation:stack-name", "Values": [stack]}])
    names = [physical.rsplit("/", 1)[-1] for _, _, physical in kept]
    return [found["ResourceARN"] for page in pages for found in page["ResourceTagMappingList"]
            if not any(found["ResourceARN"].endswith(name) for name in names)]


def ignore(codes, call, **arguments):
    """Calls, and takes it that what is to be removed is gone already."""
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ([codes] if isinstance(codes, str) else codes):
            raise


def self_test():
    assert headers("assets/index-abc.js") == {"ContentType": "text/javascript", "CacheControl": FOR_EVER}
    assert headers("index.html") == {"ContentType": "text/html; charset=utf-8", "CacheControl": ASK_FIRST}
    assert headers("demo/demo_call.wav") == {"ContentType": "audio/wav", "CacheControl": ASK_FIRST}
    assert headers("icon.svg")["ContentType"] == "image/svg+xml"
    assert headers("x.unknown")["ContentType"] == "application/octet-stream"
    assert order(["index.html", "icon.svg", "assets/b.css", "assets/a.js"]) == \
        ["assets/a.js", "assets/b.css", "icon.svg", "index.html"]
    for environment in ["dev", "staging", "prod"]:
        assert architecture(environment) in ["arm64", "x86_64"], environment


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self-test", action="store_true")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("architecture").add_argument("environment")
    one = commands.add_parser("publish")
    one.add_argument("stack")
    one.add_argument("folder")
    commands.add_parser("smoke").add_argument("stack")
    one = commands.add_parser("key")
    one.add_argument("stack")
    one.add_argument("name")
    one = commands.add_parser("destroy")
    one.add_argument("stack")
    one.add_argument("--keep-data", action="store_true")
    given = parser.parse_args()
    if given.self_test:
        return self_test()
    if given.command == "architecture":
        return print(architecture(given.environment))
    try:
        if given.command == "publish":
            publish(given.stack, given.folder)
        elif given.command == "smoke":
            smoke(given.stack)
        elif given.command == "key":
            key(given.stack, given.name)
        elif given.command == "destroy":
            destroy(given.stack, given.keep_data)
        else:
            parser.print_help()
    except ClientError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
