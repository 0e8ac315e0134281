/** Flows that the server does not have yet: the reasons why rows that need one are not applicable. */
export const MISSING = {
  flows: 'the flow engine is missing; its flows register, invite and recover users',
  mail: 'mail is missing, so no link is sent and no reset can be forced',
  recovery: 'password recovery is missing',
  selfRegistration: 'self-registration is missing',
  sharing: 'user sharing is missing: every user belongs to one organization',
} as const
