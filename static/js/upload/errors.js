// Why an upload stands still. Each kind asks something else of the person.

export class Stopped extends Error {} // paused or cancelled by the person
export class Unreadable extends Error {} // the file is gone or changed
export class Away extends Error {} // the site did not answer, several times
export class SignedOut extends Error {} // the session that gives tokens is over

// The site said no, and why.
export class Refused extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}
