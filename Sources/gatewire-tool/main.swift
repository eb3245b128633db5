import CGatewire
