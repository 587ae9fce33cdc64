"""What every rendering of the chart must keep to. Usage: checks.py RENDERED.yaml"""

import sys

import yaml  # a dependency of kubernetes-validate

SERVICES = ["gateway", "insight", "intake", "routing", "sla", "survey"]
# How the names of variables end whose values nobody may read in a manifest.
SECRETS = ("DATABASE__URL", "REDIS__URL", "_KEY", "_TOKEN")


def faults(documents):
    """Yields, in words, everything that is wrong with the rendered documents."""
    deployments = [d for d in documents if d["kind"] == "Deployment"]
    jobs = [d for d in documents if d["kind"] == "Job"]
    services = {d["metadata"]["name"]: d for d in documents if d["kind"] == "Service"}

    components = sorted(d["metadata"]["labels"]["app.kubernetes.io/component"] for d in deployments)
    if components != SERVICES:
        yield f"deployments are {components}, not {SERVICES}"
    if len(jobs) != 1:
        yield f"{len(jobs)} jobs instead of the one that migrates"
    if len({image(d) for d in deployments + jobs}) != 1:
        yield "not all pods run the same image"

    for workload in deployments + jobs:
        name = f"{workload['kind']} {workload['metadata']['name']}"
        yield from (f"{name}: {fault}" for fault in pod_faults(workload["spec"]["template"]["spec"]))

    for deployment in deployments:
        name = deployment["metadata"]["name"]
        yield from (f"{name}: {fault}" for fault in deployment_faults(deployment, services.get(name)))

    for document in documents:
        if document["kind"] == "Secret":
            yield f"the chart writes the secret {document['metadata']['name']} itself"


def image(workload):
    return workload["spec"]["template"]["spec"]["containers"][0]["image"]


def pod_faults(pod):
    """The `restricted` Pod Security Standard, and what we ask beyond it."""
    if pod.get("automountServiceAccountToken") is not False:
        yield "mounts a token for the Kubernetes API"
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser"):
        yield "may run as root"
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "has no seccomp profile"
    if any(key.startswith("host") and pod[key] for key in pod):
        yield "shares something with its host"
    for volume in pod.get("volumes", []):
        if not {"configMap", "secret", "emptyDir", "projected"} & volume.keys():
            yield f"mounts the volume {volume['name']}, which is of no permitted kind"
    for container in pod["containers"]:
        security = container.get("securityContext", {})
        if security.get("allowPrivilegeEscalation") is not False:
            yield "may gain privileges"
        if security.get("readOnlyRootFilesystem") is not True:
            yield "may write to its image"
        if security.get("capabilities", {}) != {"drop": ["ALL"]}:
            yield "has capabilities"
        name, _, tag = container["image"].rpartition(":")
        if not name or "/" in tag or tag == "latest":
            yield f"runs {container['image']}, which names no version"
        for variable in container["env"]:
            if variable["name"].endswith(SECRETS) and "value" in variable:
                yield f"has the secret {variable['name']} in plain sight"


def deployment_faults(deployment, service):
    """Probes that fit the ports, and a headless service that fits the pods."""
    spec = deployment["spec"]
    container = spec["template"]["spec"]["containers"][0]
    component = deployment["metadata"]["labels"]["app.kubernetes.io/component"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}

    if container["args"][:2] != ["serve", component]:
        yield f"runs {container['args']}"
    for probe, asked in (("readinessProbe", component), ("livenessProbe", "live"), ("startupProbe", "live")):
        grpc = container.get(probe, {}).get("grpc", {})
        if grpc != {"port": ports["grpc"], "service": asked}:
            yield f"{probe} asks {grpc}, not {asked} by gRPC"
    if not spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items():
        yield "does not select its own pods"
    if service is None:
        yield "has no service of its name"
    elif service["spec"].get("clusterIP") != "None":
        yield "has a service that is not headless"
    elif not service["spec"]["selector"].items() <= spec["template"]["metadata"]["labels"].items():
        yield "has a service that selects other pods"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        documents = [document for document in yaml.safe_load_all(file) if document]
    found = list(faults(documents))
    for fault in found:
        print(f"{sys.argv[1]}: {fault}", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
