"""Groups, streams and events in the shapes of AWS's API."""

from typing import Any

from homeport.services.logs.model import Event, LogGroup, LogStream, event_id, sequence_token


def group_arn(group: LogGroup, account: str) -> str:
    return f"arn:aws:logs:{group.region}:{account}:log-group:{group.name}"


def group_view(group: LogGroup, account: str) -> dict[str, Any]:
    arn = group_arn(group, account)
    view: dict[str, Any] = {
        "logGroupName": group.name,
        "creationTime": group.created,
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "storedBytes": group.stored_bytes,
        "logGroupClass": "STANDARD",
        "logGroupArn": arn,
        "deletionProtectionEnabled": False,
    }
    if group.retention_days:
        view["retentionInDays"] = group.retention_days
    return view


def stream_view(stream: LogStream, group: LogGroup, account: str) -> dict[str, Any]:
    view: dict[str, Any] = {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "arn": f"{group_arn(group, account)}:log-stream:{stream.name}",
        "uploadSequenceToken": sequence_token(stream),
        "storedBytes": 0,  # AWS reports 0 for every stream; the bytes are counted for the group
    }
    if stream.first_event:
        view["firstEventTimestamp"] = stream.first_event
        view["lastEventTimestamp"] = stream.last_event
    if stream.last_ingestion:
        view["lastIngestionTime"] = stream.last_ingestion
    return view


def event_view(event: Event) -> dict[str, Any]:
    return {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingested}


def filtered_event_view(event: Event, stream_id: int, stream_name: str) -> dict[str, Any]:
    return {
        "logStreamName": stream_name,
        "timestamp": event.timestamp,
        "message": event.message,
        "ingestionTime": event.ingested,
        "eventId": event_id(stream_id, event),
    }
