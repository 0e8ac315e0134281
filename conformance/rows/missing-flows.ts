/** Flows that the server does not have yet: why rows that need one are not applicable. */
export const MISSING = {
  flows: 'the flow engine is missing, in whose flows users register, are invited and recover',
  groups: 'groups and roles are missing from SCIM',
  mail: 'mail is missing, so no link is sent and no reset can be forced',
  recovery: 'recovery of passwords is missing',
  selfRegistration: 'self-registration is missing',
  sharing: 'sharing of users is missing: every user belongs to one organization',
} as const
