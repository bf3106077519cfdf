/** A write was refused by Sever itself: nothing was sent, the work is queued. */
export class PermitDenied extends Error {
  override readonly name = 'PermitDenied';
  constructor(readonly code: 'kill-switch.on' | 'connector.paused') {
    super(code === 'kill-switch.on' ? 'the kill switch is on' : 'the connector is paused');
  }
}
