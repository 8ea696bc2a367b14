package resources

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// forbiddenPodFields returns the fields of a PodSpec that Knative knows and refuses.
func forbiddenPodFields() []string {
	return strings.Fields(`activeDeadlineSeconds affinity dnsConfig dnsPolicy ephemeralContainers hostAliases hostIPC hostNetwork
	hostPID hostUsers hostname nodeName nodeSelector os overhead preemptionPolicy priority priorityClassName readinessGates resourceClaims
	restartPolicy runtimeClassName schedulerName schedulingGates setHostnameAsFQDN shareProcessNamespace subdomain
	terminationGracePeriodSeconds tolerations topologySpreadConstraints`)
}

// schema is the set of fields that a cluster knows. A nil schema knows all.
type schema map[string]schema

func fields(names string) schema {
	sc := schema{}
	for _, n := range strings.Fields(names) {
		sc[n] = nil
	}
	return sc
}

func (sc schema) and(name string, inner schema) schema {
	sc[name] = inner
	return sc
}

// serviceSchema returns the schema of Knative's Service, down to the level where
// Kubernetes' own types branch out.
func serviceSchema() schema {
	meta := fields(`name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp
		deletionGracePeriodSeconds labels annotations ownerReferences finalizers managedFields`)
	container := fields(`name image command args workingDir envFrom livenessProbe readinessProbe startupProbe lifecycle
		terminationMessagePath terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty volumeDevices
		resizePolicy restartPolicy`).
		and("ports", fields("name hostPort containerPort protocol hostIP")).
		and("env", fields("name value").and("valueFrom", fields("fieldRef resourceFieldRef configMapKeyRef secretKeyRef fileKeyRef"))).
		and("resources", fields("limits requests claims")).
		and("volumeMounts", fields("name readOnly recursiveReadOnly mountPath subPath mountPropagation subPathExpr"))
	volume := fields(`name hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi glusterfs
		persistentVolumeClaim rbd flexVolume cinder cephfs flocker downwardAPI fc azureFile configMap vsphereVolume quobyte azureDisk
		photonPersistentDisk projected portworxVolume scaleIO storageos csi ephemeral image`)
	pod := fields(`serviceAccountName serviceAccount imagePullSecrets automountServiceAccountToken enableServiceLinks securityContext
		containerConcurrency timeoutSeconds responseStartTimeoutSeconds idleTimeoutSeconds `+strings.Join(forbiddenPodFields(), " ")).
		and("containers", container).and("initContainers", container).and("volumes", volume)
	spec := schema{}.and("template", schema{}.and("metadata", meta).and("spec", pod)).
		and("traffic", fields("tag revisionName configurationName latestRevision percent url"))
	return fields("apiVersion kind status").and("metadata", meta).and("spec", spec)
}

// dropUnknown removes the fields that Knative does not know. It returns a
// warning for each.
func dropUnknown(doc tree.Object) []string {
	var warnings []string
	serviceSchema().prune("", doc, &warnings)
	return warnings
}

func (sc schema) prune(path string, v any, warnings *[]string) {
	switch v := v.(type) {
	case tree.Object:
		for _, k := range tree.SortedKeys(v) {
			inner, known := sc[k]
			if !known {
				*warnings = append(*warnings, fmt.Sprintf("unknown field %q", strings.TrimPrefix(path+"."+k, ".")))
				delete(v, k)
			}
			if inner != nil {
				inner.prune(path+"."+k, v[k], warnings)
			}
		}
	case []any:
		for i, e := range slices.All(v) {
			sc.prune(fmt.Sprintf("%s[%d]", path, i), e, warnings)
		}
	}
}
