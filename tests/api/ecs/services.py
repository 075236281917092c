"""A service and its tasks in the hands of a test that plays the node."""

from typing import Any

from homeport.services.ecs.store import tasks as store


class Service:
    """One service of the cluster called default; its tasks do what the test makes them."""

    def __init__(self, ecs: Any, name: str = "web", **declared: Any) -> None:
        self.ecs = ecs
        self.name = name
        arguments = {
            "serviceName": name,
            "launchType": "FARGATE",
            "networkConfiguration": ecs.network(),
            "desiredCount": 2,
        } | declared
        if "taskDefinition" not in arguments:
            arguments["taskDefinition"] = ecs.register()
        wanted = {key: value for key, value in arguments.items() if value is not None}
        self.created: dict[str, Any] = ecs.client.create_service(**wanted)["service"]
        self.arn = self.created["serviceArn"]
        ecs.keep()

    def update(self, **changes: Any) -> dict[str, Any]:
        updated: dict[str, Any] = self.ecs.client.update_service(service=self.name, **changes)["service"]
        self.ecs.keep()
        return updated

    def shown(self, **more: Any) -> dict[str, Any]:
        shown: dict[str, Any] = self.ecs.client.describe_services(services=[self.name], **more)["services"][0]
        return shown

    def events(self) -> list[str]:
        """Return the messages of the service's events, the oldest first."""
        return [event["message"] for event in reversed(self.shown()["events"])]

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        """Return the tasks that are meant to run, or those that are not, the oldest first."""
        arns = self.ecs.client.list_tasks(serviceName=self.name, desiredStatus=status)["taskArns"]
        if not arns:
            return []
        found: list[dict[str, Any]] = self.ecs.client.describe_tasks(tasks=arns, include=["TAGS"])["tasks"]
        return found

    def deployments(self) -> dict[str, str]:
        """Return the rollout state of each deployment by its status."""
        return {each["status"]: each["rolloutState"] for each in self.shown()["deployments"]}

    def ids(self) -> set[str]:
        return {task["taskArn"].rpartition("/")[2] for task in self.tasks()}

    def start(self, **containers: Any) -> None:
        """Place what waits, and have every task that is meant to run do so."""
        self.ecs.place()
        for task in self.tasks():
            if task["lastStatus"] != "RUNNING":
                self.ecs.report(task, "running", containers=containers or {"web": {"status": "RUNNING"}})
        self.ecs.keep()

    def settle(self) -> None:
        """Let the forty seconds pass after which a task without a health check is healthy."""
        self.ecs.clock.advance(41)
        self.ecs.keep()

    def fail(self, passes: int = 10) -> None:
        """Place what waits, and have every task end that has not been RUNNING."""
        self.ecs.place()
        for task in self.tasks():
            if task["lastStatus"] != "RUNNING":
                self.end(task, "failed-to-start", "CannotPullContainerError: no such image")
        self.ecs.keep(passes)

    def end(self, task: dict[str, Any], cause: str = "", reason: str = "") -> None:
        """Have the node say that a task is gone."""
        self.ecs.report(task, "gone", cause=cause, reason=reason)

    def finish(self) -> None:
        """Have the node end every task that is on its way out."""
        self.ecs.place()
        for task in self.tasks("STOPPED"):
            if task["lastStatus"] != "STOPPED":
                self.end(task)
        self.ecs.keep()

    def become_steady(self) -> None:
        """Run and settle until there is nothing more to do."""
        for _ in range(20):
            self.start()
            self.settle()
            self.finish()
            if self.deployments() == {"PRIMARY": "COMPLETED"}:
                return
        raise AssertionError(f"the service never becomes steady: {self.events()}")

    def unsettled(self) -> int:
        """Count the tasks of which the service has yet to take note."""
        return len(self.ecs.in_transaction(lambda tx: store.watched(tx, self.arn)))
