/** The caller of a request and its permissions there. */
export interface Principal {
  kind: 'user' | 'application'
  /** The id of the user or application, for the audit log and to recognise the caller's own account. */
  id: string
  /** The tenant of the credentials. Administrators of the first tenant also administer the others. */
  tenantId: string
  /** The permissions of the credentials in the organization of the request, in the form that applies there. */
  permissions: ReadonlySet<string>
  /**
   * Every permission that the credentials could obtain anywhere in the tenant. The caller can grant, or take over by changing a
   * credential, only what is part of it.
   */
  authority: ReadonlySet<string>
  via: 'basic' | 'token'
  /** The client of the token. */
  clientId?: string
}
