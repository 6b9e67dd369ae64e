/** Where one outcome is to be told. */
export interface Destination {
  channel: string;
  destination: string;
}
