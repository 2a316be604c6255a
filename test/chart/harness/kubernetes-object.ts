/** What the tests read of rendered objects; that the rest fits its kind is what the schemas say. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec?: ObjectSpec;
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
  readonly automountServiceAccountToken?: boolean;
}

/** Fields of several kinds together, those that tests ask for. */
export interface ObjectSpec {
  readonly replicas?: number;
  readonly template?: PodTemplate;
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly scaleTargetRef?: { readonly name: string };
  readonly volumeClaimTemplates?: readonly { readonly metadata: Metadata }[];
  readonly [field: string]: unknown;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface PodTemplate {
  readonly metadata?: Partial<Metadata>;
  readonly spec: PodSpec;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly restartPolicy?: string;
  readonly imagePullSecrets?: readonly { readonly name: string }[];
  readonly topologySpreadConstraints?: readonly {
    readonly labelSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly whenUnsatisfiable: string;
    readonly topologyKey: string;
  }[];
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly unknown[];
  readonly priorityClassName?: string;
  readonly hostAliases?: readonly unknown[];
  readonly dnsConfig?: unknown;
}

export interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName: string };
  readonly configMap?: { readonly name: string };
  readonly emptyDir?: Readonly<Record<string, unknown>>;
  readonly hostPath?: unknown;
  readonly projected?: { readonly sources: readonly unknown[] };
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string | number };
  readonly exec?: { readonly command: readonly string[] };
  readonly periodSeconds?: number;
  readonly failureThreshold?: number;
  readonly timeoutSeconds?: number;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvironmentVariable[];
  readonly envFrom?: readonly unknown[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
  readonly lifecycle?: { readonly preStop?: Readonly<Record<string, unknown>> };
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
}

export interface EnvironmentVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
    readonly configMapKeyRef?: { readonly name: string; readonly key: string };
    readonly fieldRef?: { readonly fieldPath: string };
    readonly resourceFieldRef?: { readonly resource: string };
  };
}

/** The pods that an object makes: of a workload its template, of a Pod itself; undefined when it makes none. */
export function podTemplateOf(object: KubernetesObject): PodTemplate | undefined {
  // The schemas have said that this is what the kinds hold.
  if (object.kind === 'Pod') {
    return { metadata: object.metadata, spec: object.spec as unknown as PodSpec };
  }
  return object.spec?.template;
}

/** All containers of a pod, those of its initialization first. */
export function containersOf({ spec }: PodTemplate): readonly Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers];
}

/** `Deployment/metering/odometer-ingest-api` */
export function identityOf({ kind, metadata }: KubernetesObject): string {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}
