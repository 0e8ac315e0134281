/** Who makes a request, and what they may do where they make it. */
export interface Principal {
  kind: 'user' | 'application'
  /** Of the user or the application. For the audit, and to recognise one's own account. */
  id: string
  /** Where the credentials are valid. Administrators of the first tenant administer the others as well. */
  tenantId: string
  /** What the credentials may do in the organization of the request: permissions in the form that counts there. */
  permissions: ReadonlySet<string>
  /**
   * Everything the credentials could obtain anywhere in the tenant. What somebody may give away, or take over with a changed
   * credential, must be part of it.
   */
  authority: ReadonlySet<string>
  via: 'basic' | 'token'
  /** The client of the token. */
  clientId?: string
}
