/** An answer other than 200, with the body Kiali gives: `{"error":...}`. */
export class Failure extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const badRequest = (message: string): Failure => new Failure(400, message);
