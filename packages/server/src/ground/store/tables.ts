import type { ColumnType, Generated } from 'kysely'

/**
 * The columns, as both databases return them. Only the query files in this folder know them.
 *
 * All columns are strings and whole numbers, so that the same queries work on SQLite and PostgreSQL. JSON is a string, a boolean
 * is 0 or 1, a time is epoch milliseconds.
 */
export interface Tables {
  store_facts: { name: string; value: string }
  tenants: { id: string; domain: string; root_organization_id: string; created_at: number }
  organizations: {
    id: string
    tenant_id: string
    parent_id: string | null
    name: string
    handle: string
    depth: number
    created_at: number
  }
  users: {
    id: string
    tenant_id: string
    organization_id: string
    user_name: string
    /** Lower case, because user names are unique regardless of case. */
    user_name_key: string
    /** Salt, cost and hash. Null if the user has no password. */
    password: string | null
    /** JSON. */
    document: string
    is_active: number
    /** Changes after every end, so that earlier artifacts have an old value. Empty: nothing has ended since 0007. */
    generation: string
    created_at: number
    updated_at: number
    /** The order of creation over all tenants. PostgreSQL assigns it. */
    number: ColumnType<number, number | undefined, never>
  }
  /** The indexed attributes of an organization. */
  user_attributes: { number: Generated<number>; organization_id: string; name: string }
  /** The values by which users are found, see `user-index.ts`. */
  user_values: {
    /** The id in `user_attributes`, which also determines the organization. */
    attribute: number
    key: string
    user_number: number
    element: number
    type: string
  }
  roles: {
    id: string
    tenant_id: string
    /** `organization` or `application`: where the role applies. */
    audience_type: string
    audience_id: string
    name: string
    /** Lower case, because names are unique in their audience regardless of case. */
    name_key: string
    /** The kind of a fixed role, which determines its permissions. Null for other roles. */
    kind: string | null
    created_at: number
    updated_at: number
  }
  role_permissions: { role_id: string; permission: string }
  role_members: { role_id: string; user_id: string }
  /** Every member of the group has the role. */
  role_groups: { role_id: string; group_id: string }
  groups: {
    /** The order of creation of groups. */
    number: Generated<number>
    id: string
    tenant_id: string
    organization_id: string
    name: string
    /** Lower case, because names are unique in their organization regardless of case. */
    name_key: string
    external_id: string | null
    created_at: number
    updated_at: number
  }
  group_members: { group_id: string; user_id: string }
  applications: {
    id: string
    tenant_id: string
    name: string
    client_id: string
    client_secret: string | null
    /** The members that no query searches for. */
    settings: string
    /** As for users. */
    generation: string
    created_at: number
    updated_at: number
  }
  api_resources: {
    id: string
    tenant_id: string
    name: string
    identifier: string
    description: string | null
    requires_authorization: number
    created_at: number
  }
  api_scopes: {
    id: string
    tenant_id: string
    resource_id: string
    name: string
    display_name: string | null
    description: string | null
    position: number
  }
  authorized_apis: { application_id: string; resource_id: string; tenant_id: string; policy: string }
  authorized_scopes: { application_id: string; scope_id: string; resource_id: string }
  actions: {
    id: string
    tenant_id: string
    organization_id: string
    type: string
    /** The slot of the action among those of its type. A unique index enforces the limit, also for concurrent requests. */
    slot: number
    name: string
    description: string | null
    status: string
    version: string
    uri: string
    authentication: string
    signing_secrets: string | null
    settings: string
    created_at: number
    updated_at: number
  }
  authenticators: {
    /** The action of type AUTHENTICATION that is called. */
    action_id: string
    tenant_id: string
    organization_id: string
    name: string
    display_name: string
    authentication_type: string
    image: string | null
  }
  sign_in_flows: {
    id: string
    tenant_id: string
    organization_id: string
    interaction_id: string
    version: number
    state: string
    expires_at: number
  }
  calls: {
    id: string
    tenant_id: string
    action_id: string
    action_type: string
    action_name: string
    started_at: number
    duration_ms: number
    status: string
    reason: string
    client_id: string | null
    grant_type: string | null
    flow_result: string
    details: string
  }
  audit_records: {
    id: string
    tenant_id: string
    recorded_at: number
    initiator: string
    action: string
    target_type: string
    target_id: string
    details: string
    /** The name of a security event; `administration.changed` for a change. */
    event: string
    outcome: string
    organization_id: string | null
    actor_kind: string | null
    client_id: string | null
    reason: string | null
    address: string | null
    agent: string | null
    request_id: string | null
    call_id: string | null
  }
  oidc_artifacts: {
    tenant_id: string
    model: string
    /** SHA-256 of the artifact's id: for an opaque token the id is the token. */
    id: string
    payload: string
    grant_id: string | null
    user_code: string | null
    uid: string | null
    expires_at: number | null
    consumed_at: number | null
    /** For a session or a grant: its user, and their generation at the sign-in. */
    account_id: string | null
    user_generation: string | null
    /** For a grant, or a token without one: its client, and the application's generation when it was issued. */
    client_id: string | null
    client_generation: string | null
    /** SHA-256 of the uid of the session with which it ends. */
    session_uid: string | null
    /** Hash of the id of the token that replaced this refresh token. */
    replaced_by: string | null
  }
  /** Recent counts. The key reveals nothing about the user, the tenant or the address. */
  limits: { key: string; points: number; expires_at: number }
  leases: { name: string; holder: string; expires_at: number }
  signing_keys: {
    tenant_id: string
    kid: string
    alg: string
    jwk: string
    created_at: number
    active_from: number
    expires_at: number | null
    /** What the key comes after: unique, so that of two keys that are made at once for one place one is kept. */
    follows: string
  }
}
