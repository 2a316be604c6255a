-- What is in the manifests of images, by digest: it can never change, so each is asked for once and by whatever registry
-- shows it first. Only what has the digest it is asked for by gets here.
create table manifests (
  digest text collate "C" primary key,
  kind text not null,
  -- Of the manifest itself.
  size_bytes bigint not null,
  -- Of an index.
  children text[] not null,
  subject text,
  -- Configuration and layers, each once.
  blobs text[] not null,
  blob_sizes bigint[] not null,
  -- To the week; what no registry has had for months is forgotten.
  seen_on date not null default current_date,
  constraint manifest_kind_is_known check (kind in ('image', 'artifact', 'index')),
  constraint manifest_blobs_have_sizes check (cardinality(blobs) = cardinality(blob_sizes))
);
create index manifests_by_seen_on on manifests (seen_on);

-- What a measurement of a registry has found so far, whole repositories at a time. Added up at its end, and then removed.
create table measured_images (
  measurement_id bigint not null references measurements (id) on delete cascade,
  repository text collate "C" not null,
  digest text collate "C" not null,
  -- By name: it may be new. '' is nobody.
  organization text not null,
  project text not null,
  is_image boolean not null,
  -- What the provider says of it.
  provider_bytes bigint,
  -- Of what has no row in manifests: as good a figure as there is.
  opaque_bytes bigint,
  primary key (measurement_id, repository, digest, organization, project)
);
