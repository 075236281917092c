"""Why a task is where it is, why it waits, or why it stopped: sentences out of DescribeTasks.  Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from homeport.cli.explain.placing import explain_others, mode_of, title
from homeport.services.ecs.placement.instance import Instance

Document = Mapping[str, Any]

_CODES = {
    "TaskFailedToStart": "It failed to start",
    "EssentialContainerExited": "A container that is essential has ended, and a task ends with those",
    "UserInitiated": "It was asked to stop",
    "ServiceSchedulerInitiated": "Its service stopped it",
    "SpotInterruption": "Spot capacity was taken back",
    "TerminationNotice": "What it ran on went away",
    "InfrastructureHealth": "What it ran on was not healthy",
}
_SIGNALS = {
    137: "it was killed (SIGKILL)",
    139: "it crashed (SIGSEGV)",
    143: "it was asked to end (SIGTERM)",
    134: "it aborted (SIGABRT)",
}


def explain_task(task: Document, definition: Document, instances: Sequence[Instance]) -> Iterator[str]:
    """Yield the sentences, the most important first."""
    id_, status = task["taskArn"].rpartition("/")[2], task["lastStatus"]
    yield f"The task {id_} of {task['taskDefinitionArn'].rpartition('/')[2]} is {status}, in {mode_of(definition)} mode."
    if status == "STOPPED":
        yield from _ended(task, definition)
        return
    if task["desiredStatus"] == "STOPPED":
        yield f"It is on its way out: {_reason(task)}"
        yield from _ending(task)
        return
    here = next((each for each in instances if each.arn == task.get("containerInstanceArn")), None)
    yield from _where(task, definition, here)
    if status != "RUNNING":
        yield from _waiting(task, definition)
    elif here is not None:
        yield from explain_others(definition, instances, here.arn)


def _where(task: Document, definition: Document, here: Instance | None) -> Iterator[str]:
    arn = task.get("containerInstanceArn")
    if here is not None:
        yield f"It was placed on {title(here)}, {here.arn}."
        for constraint in definition.get("placementConstraints", ()):
            yield f"It may only go where: {constraint['expression']}."
        if not here.agent_connected:
            yield "The agent there is not connected: what is said of the task is what was last heard."
    elif arn:
        yield f"It was placed on {arn}, which is not registered any more."
    else:
        zone = task.get("availabilityZone", "")
        yield f"It runs on Fargate{f', in {zone}' if zone else ''}, and needs no container instance."


def _waiting(task: Document, definition: Document) -> Iterator[str]:
    """Say what a task that does not run yet is waiting for."""
    for attachment in task["attachments"]:
        if attachment["status"] != "ATTACHED":
            eni = _detail(attachment, "networkInterfaceId")
            yield f"It waits for its network interface{f' {eni}' if eni else ''}, which is {attachment['status']}."
    declared = {each["name"]: each for each in definition["containerDefinitions"]}
    states = {each["name"]: each for each in task["containers"]}
    for name, container in states.items():
        if container["lastStatus"] != "PENDING":
            continue
        unmet = [
            f"{each['containerName']} to be {each['condition']}"
            for each in declared.get(name, {}).get("dependsOn", ())
            if not _met(each, states.get(each["containerName"], {}))
        ]
        if unmet:
            yield f"{name} waits for {' and '.join(unmet)}."
        elif task["lastStatus"] == "PENDING":
            pulled = "pullStoppedAt" in task
            yield (
                f"{name} is being started." if pulled else f"{name} waits for its image, {container.get('image', '')}."
            )


def _met(dependency: Document, container: Document) -> bool:
    status = container.get("lastStatus")
    match dependency["condition"]:
        case "START":
            return status in {"RUNNING", "STOPPED"}
        case "HEALTHY":
            return container.get("healthStatus") == "HEALTHY"
        case "SUCCESS":
            return status == "STOPPED" and container.get("exitCode") == 0
        case _:
            return status == "STOPPED"


def _ended(task: Document, definition: Document) -> Iterator[str]:
    yield _reason(task)
    essential = {each["name"]: each.get("essential", True) for each in definition["containerDefinitions"]}
    for container in task["containers"]:
        name, code, reason = container["name"], container.get("exitCode"), container.get("reason", "")
        if code is None and not reason:
            yield f"{name} never ran."
            continue
        said = f"{name}{', which is essential,' if essential.get(name) else ''} ended"
        if code is not None:
            said += f" with exit code {code}"
            said += f": {_SIGNALS[code]}" if code in _SIGNALS else ""
        yield f"{said}.{f' {_sentence(reason)}' if reason else ''}"


def _ending(task: Document) -> Iterator[str]:
    running = [each["name"] for each in task["containers"] if each["lastStatus"] == "RUNNING"]
    if running:
        yield f"Still running: {', '.join(running)}."
    for attachment in task["attachments"]:
        if attachment["status"] not in {"ATTACHED", "DELETED"}:
            yield f"Its network interface is {attachment['status']}."


def _reason(task: Document) -> str:
    code, reason = task.get("stopCode", ""), task.get("stoppedReason", "")
    said = _CODES.get(code, "It stopped")
    return f"{said} ({code}). {_sentence(reason)}".rstrip() if code else f"{said}. {_sentence(reason)}".rstrip()


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def _detail(attachment: Document, name: str) -> str:
    return next((str(each["value"]) for each in attachment["details"] if each["name"] == name), "")
