/**
 * The columns, as both databases give them back. Only the query files beside this one know them.
 *
 * Text and whole numbers only, so that one set of queries serves SQLite and PostgreSQL: JSON is text, a truth value is
 * 0 or 1, a moment is epoch milliseconds.
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
    /** Lower case: user names are unique without regard to case. */
    user_name_key: string
    /** Salt, cost and hash; null when the user has no password. */
    password: string | null
    /** JSON. */
    document: string
    groups: string
    is_active: number
    created_at: number
    updated_at: number
  }
  roles: {
    id: string
    tenant_id: string
    /** `organization` or `application`: where the role counts. */
    audience_type: string
    audience_id: string
    name: string
    /** Of a fixed role, what its permissions are computed from; null for one with permissions of its own. */
    kind: string | null
    created_at: number
    updated_at: number
  }
  role_permissions: { role_id: string; permission: string }
  role_members: { role_id: string; user_id: string }
  applications: {
    id: string
    tenant_id: string
    name: string
    client_id: string
    client_secret: string | null
    /** Everything that is never searched for. */
    settings: string
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
    /** Which of the places for actions of this type it takes: the unique index makes the limit hold in any race. */
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
  }
  /** Wrong passwords of late. The key tells nothing of the user, the tenant or the address. */
  wrong_passwords: { key: string; count: number; expires_at: number }
  signing_keys: { tenant_id: string; kid: string; alg: string; jwk: string; created_at: number }
}
