/** One error in a document and its place: the common form of every rejection in Preflow. */
export interface Issue {
  /** From the root of the document, for example `['operations', 0, 'path']`. Empty for the whole document. */
  path: (string | number)[]
  /** A sentence that states what to do. Never contains the invalid value, which may be a secret. */
  message: string
}

/** `operations.0.path: must be a string`; without a path only the message. */
export function describeIssue(issue: Issue): string {
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`
}

/** All issues in one line, for an error response or a log. */
export function describeIssues(issues: readonly Issue[]): string {
  return issues.map(describeIssue).join('; ')
}
