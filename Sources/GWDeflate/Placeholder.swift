import GWBase
