"""What every handler needs: the repository a request names, and the registry it is in."""

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.services.ecr import store
from homeport.services.ecr.authority import Authority, authority_of
from homeport.services.ecr.errors import InvalidParameter, ServerFailure, repository_missing
from homeport.services.ecr.images import Images, RegistryFailed
from homeport.services.ecr.model import Image, Repository


def invalid_token() -> AwsError:
    return InvalidParameter("Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")


def unavailable(error: RegistryFailed) -> ServerFailure:
    return ServerFailure(str(error))


async def get_registry(call: Call) -> tuple[str, Authority]:
    """Return the registry's address and the authority it trusts."""
    record = await store.find_registry(call.tx)
    if record is None:
        raise ServerFailure("The registry has not been set up yet.")
    return record.address, authority_of(record.signing_key, record.certificate)


async def get_repository(call: Call, name: str, registry_id: str | None) -> Repository:
    """Return the caller's repository of that name; other registries have none that we know."""
    repository = await store.find_repository(call.tx, name)
    wanted = registry_id or call.account
    if repository is None or repository.region != call.region or wanted != call.account:
        raise repository_missing(name, wanted)
    return repository


async def images_of(call: Call, repository: Repository) -> Images:
    address, authority = await get_registry(call)
    return Images(address, authority, repository.name, call.now())


async def contents_of(call: Call, repository: Repository) -> list[Image]:
    """Return the repository's images by digest."""
    images = await images_of(call, repository)
    pushes = await store.list_pushes(call.tx, repository.name)
    try:
        return await images.contents(pushes, repository.created)
    except RegistryFailed as error:
        raise unavailable(error) from error
