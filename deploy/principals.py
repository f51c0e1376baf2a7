"""Who may do what on Kafka: a principal for each service and each agency, and nothing that none of them needs.

A service writes its own log and heads, reads what it consumes, and joins its own consumer group. An agency writes
the topics of its own lists and reads the answers. Nobody makes topics or changes rights but the administrator, nobody
has a transactional id, and a principal that is not named here can do nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple

from deploy.errors import PartFailed
from services.registry.lists.agency_topics import AgencyTopic
from shared.hosting.networks import principal_of
from shared.messaging.brokers import Brokers

ADMINISTRATOR = "admin"
REQUEST_TIMEOUT_MS = 30_000
KNOWN_TIMEOUT_SECONDS = 15.0
# Whose logs each service reads beside its own (audit's for what is erased); a test compares it with what they are
# built from.
CONSUMES: Mapping[str, tuple[str, ...]] = {
    "access": ("registry", "matching", "disbursement", "notifications", "audit"),
    "registry": ("access", "audit"),
    "matching": ("registry", "audit"),
    "disbursement": ("registry", "matching", "audit"),
    "visits": ("access", "registry", "audit"),
    "notifications": ("access", "registry", "matching", "visits", "audit"),
    "audit": ("access", "registry", "matching", "disbursement", "visits", "notifications"),
}

Resource = Literal["TOPIC", "GROUP"]
Operation = Literal["READ", "WRITE"]  # each allows to describe, too


class Grant(NamedTuple):
    """What a principal may do; ``prefixed``: with everything whose name begins so."""

    resource: Resource
    name: str
    operation: Operation
    prefixed: bool = False


def secret_of(service: str) -> str:
    """The secret that holds a service's password."""
    return f"kafka-{service}"


def agency_principal(agency: str) -> str:
    """Whom an agency is known as by the brokers."""
    return f"agency.{agency}"


def service_grants(division: str) -> dict[str, frozenset[Grant]]:
    """What each service's principal may do."""
    found = {}
    for service, consumed in CONSUMES.items():
        own = f"rollcall.{division}.{service}"
        grants = {Grant("TOPIC", f"{own}.{kind}", "WRITE") for kind in ("log", "heads")}
        grants |= {
            Grant("TOPIC", f"rollcall.{division}.{each}.{kind}", "READ")
            for each in (service, *consumed)  # its own: the relay reads the topic's tail before it writes
            for kind in ("log", "heads")
        }
        found[principal_of(division, service)] = frozenset({*grants, Grant("GROUP", own, "READ")})
    return found


def agency_grants(division: str, topics: Iterable[AgencyTopic]) -> dict[str, frozenset[Grant]]:
    """What each agency's principal may do, and what the registry's may beside its own."""
    found: dict[str, set[Grant]] = {}
    for topic in topics:
        registry, agency = principal_of(division, "registry"), agency_principal(topic.agency)
        found.setdefault(registry, set()).update(
            {Grant("TOPIC", topic.inlet, "READ"), Grant("TOPIC", topic.rejects, "WRITE")}
        )
        found.setdefault(agency, set()).update(
            {
                Grant("TOPIC", topic.inlet, "WRITE"),
                Grant("TOPIC", topic.rejects, "READ"),
                Grant("GROUP", f"{agency}.", "READ", prefixed=True),
            }
        )
    return {principal: frozenset(grants) for principal, grants in found.items()}


def all_grants(division: str, topics: Iterable[AgencyTopic]) -> dict[str, frozenset[Grant]]:
    """Every principal of an installation with what it may do."""
    services, agencies = service_grants(division), agency_grants(division, topics)
    names = {**services, **agencies}
    return {name: services.get(name, frozenset()) | agencies.get(name, frozenset()) for name in names}


def ensure_principals(
    administrator: Brokers, passwords: Mapping[str, str], grants: Mapping[str, frozenset[Grant]]
) -> None:
    """Bring the brokers' users and rights to what is declared: passwords set, missing rights given, others of these
    principals taken. A principal without a password here (one the operator keeps) gets its rights only.

    Raises: PartFailed when the brokers refuse.
    """
    from kafka.admin import KafkaAdminClient
    from kafka.errors import KafkaError

    try:
        admin = KafkaAdminClient(**administrator.options(), request_timeout_ms=REQUEST_TIMEOUT_MS)
    except KafkaError as error:
        raise PartFailed(f"Kafka at {administrator.servers} does not answer its administrator ({error})") from error
    try:
        _set_passwords(admin, passwords)
        _set_rights(admin, grants)
    except KafkaError as error:
        raise PartFailed(f"Kafka at {administrator.servers} refused its users or their rights: {error}") from error
    finally:
        admin.close()


def _set_passwords(admin: Any, passwords: Mapping[str, str]) -> None:
    from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

    wanted = [
        UserScramCredentialUpsertion(name, ScramMechanism.SCRAM_SHA_512, password)
        for name, password in sorted(passwords.items())
    ]
    if not wanted:
        return
    answers = admin.alter_user_scram_credentials(wanted)
    if refused := [name for name, failed in answers.items() if failed is not None]:
        raise PartFailed(f"Kafka set no password for {', '.join(refused)}")
    # A broker knows what its controller has taken a moment later; a service started now would be refused.
    _await(lambda: passwords.keys() <= set(admin.describe_user_scram_credentials()), "users")


def _set_rights(admin: Any, grants: Mapping[str, frozenset[Grant]]) -> None:
    from kafka.admin import ACLFilter, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePatternFilter
    from kafka.admin import ResourceType as Kind
    from kafka.errors import NoError

    anything = ResourcePatternFilter(Kind.ANY, None, ACLResourcePatternType.ANY)
    for principal, wanted in sorted(grants.items()):
        acls = {_acl(principal, grant) for grant in wanted}
        whose = ACLFilter(f"User:{principal}", None, ACLOperation.ANY, ACLPermissionType.ANY, anything)
        standing, _ = admin.describe_acls(whose)
        missing, surplus = acls.difference(standing), set(standing) - acls
        given = admin.create_acls(list(missing)) if missing else {"failed": []}
        taken = admin.delete_acls([_filter(each) for each in surplus]) if surplus else []
        if (missing or surplus) and not given["failed"]:
            _await(partial(_stand, admin, whose, acls), "rights")
        if given["failed"] or any(failed is not NoError for _, _, failed in taken):
            raise PartFailed(f"Kafka did not bring the rights of {principal} to what is declared")


def _stand(admin: Any, whose: Any, acls: set[Any]) -> bool:
    return set(admin.describe_acls(whose)[0]) == acls


def _await(known: Callable[[], bool], what: str) -> None:
    """Until the brokers know it. Raises: PartFailed."""
    deadline = time.monotonic() + KNOWN_TIMEOUT_SECONDS
    while not known():
        if time.monotonic() > deadline:
            raise PartFailed(f"Kafka took its {what} and does not know them after {KNOWN_TIMEOUT_SECONDS:.0f} s")
        time.sleep(0.05)


def _acl(principal: str, grant: Grant) -> Any:
    from kafka.admin import ACL, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePattern, ResourceType

    pattern = ACLResourcePatternType.PREFIXED if grant.prefixed else ACLResourcePatternType.LITERAL
    resource = ResourcePattern(ResourceType[grant.resource], grant.name, pattern)
    return ACL(f"User:{principal}", "*", ACLOperation[grant.operation], ACLPermissionType.ALLOW, resource)


def _filter(acl: Any) -> Any:
    from kafka.admin import ACLFilter, ResourcePatternFilter

    pattern = acl.resource_pattern
    exactly = ResourcePatternFilter(pattern.resource_type, pattern.resource_name, pattern.pattern_type)
    return ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, exactly)
