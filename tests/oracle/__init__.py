"""An independent reference implementation of what AMCT does with a quant.cfg."""
