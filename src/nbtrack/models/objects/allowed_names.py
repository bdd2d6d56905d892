"""What a description may name without consent: layers, what belongs to them, functions, types.

Every name stands here word for word, under the module that defines it. Whoever adds one
makes sure of this: that an object of the class can be made of any state, called with any
arguments, and made by any arguments, and does nothing but compute. It opens no file, loads
nothing, imports nothing, and does not look up what a text names. So whatever is put together
of these names, by whoever, computes and does nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

LAYERS: Mapping[str, str] = {
    "torch.ao.nn.intrinsic.modules.fused": (
        "ConvReLU1d ConvReLU2d ConvReLU3d LinearReLU ConvBn1d ConvBn2d ConvBnReLU1d ConvBnReLU2d "
        "ConvBn3d ConvBnReLU3d BNReLU2d BNReLU3d LinearBn1d LinearLeakyReLU LinearTanh ConvAdd2d "
        "ConvAddReLU2d"
    ),
    "torch.nn.modules.activation": (
        "Threshold ReLU RReLU Hardtanh ReLU6 Sigmoid Hardsigmoid Tanh SiLU Mish Hardswish ELU "
        "CELU SELU GLU GELU Hardshrink LeakyReLU LogSigmoid Softplus Softshrink MultiheadAttention "
        "PReLU Softsign Tanhshrink Softmin Softmax Softmax2d LogSoftmax"
    ),
    "torch.nn.modules.adaptive": "AdaptiveLogSoftmaxWithLoss",
    "torch.nn.modules.batchnorm": "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm",
    "torch.nn.modules.channelshuffle": "ChannelShuffle",
    "torch.nn.modules.container": "Sequential ModuleList ModuleDict ParameterList ParameterDict",
    "torch.nn.modules.conv": "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d",
    "torch.nn.modules.distance": "PairwiseDistance CosineSimilarity",
    "torch.nn.modules.dropout": (
        "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout"
    ),
    "torch.nn.modules.flatten": "Flatten Unflatten",
    "torch.nn.modules.fold": "Fold Unfold",
    "torch.nn.modules.instancenorm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
    "torch.nn.modules.linear": "Identity Linear NonDynamicallyQuantizableLinear Bilinear",
    "torch.nn.modules.loss": (
        "L1Loss NLLLoss NLLLoss2d PoissonNLLLoss GaussianNLLLoss KLDivLoss MSELoss BCELoss "
        "BCEWithLogitsLoss HingeEmbeddingLoss MultiLabelMarginLoss SmoothL1Loss HuberLoss "
        "SoftMarginLoss CrossEntropyLoss LinearCrossEntropyLoss MultiLabelSoftMarginLoss "
        "CosineEmbeddingLoss MarginRankingLoss MultiMarginLoss TripletMarginLoss "
        "TripletMarginWithDistanceLoss CTCLoss"
    ),
    "torch.nn.modules.module": "Module",
    "torch.nn.modules.normalization": "LocalResponseNorm CrossMapLRN2d LayerNorm GroupNorm RMSNorm",
    "torch.nn.modules.padding": (
        "CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d "
        "ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d "
        "ReplicationPad3d ZeroPad1d ZeroPad2d ZeroPad3d"
    ),
    "torch.nn.modules.pixelshuffle": "PixelShuffle PixelUnshuffle",
    "torch.nn.modules.pooling": (
        "MaxPool1d MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d AvgPool1d AvgPool2d "
        "AvgPool3d FractionalMaxPool2d FractionalMaxPool3d LPPool1d LPPool2d LPPool3d "
        "AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d AdaptiveAvgPool1d AdaptiveAvgPool2d "
        "AdaptiveAvgPool3d"
    ),
    "torch.nn.modules.rnn": "RNN LSTM GRU RNNCell LSTMCell GRUCell",
    "torch.nn.modules.sparse": "Embedding EmbeddingBag",
    "torch.nn.modules.transformer": (
        "Transformer TransformerEncoder TransformerDecoder TransformerEncoderLayer "
        "TransformerDecoderLayer"
    ),
    "torch.nn.modules.upsampling": "Upsample UpsamplingNearest2d UpsamplingBilinear2d",
    "torch.nn.utils.parametrizations": "_Orthogonal _WeightNorm _SpectralNorm",
    "torch.nn.utils.parametrize": "ParametrizationList",
    "torch.optim.swa_utils": "AveragedModel",
    "torchvision.models._utils": "IntermediateLayerGetter",
    "torchvision.models.alexnet": "AlexNet",
    "torchvision.models.convnext": "LayerNorm2d CNBlock ConvNeXt",
    "torchvision.models.densenet": "_DenseLayer _DenseBlock _Transition DenseNet",
    "torchvision.models.detection.anchor_utils": "AnchorGenerator DefaultBoxGenerator",
    "torchvision.models.detection.backbone_utils": "BackboneWithFPN",
    "torchvision.models.detection.faster_rcnn": (
        "FasterRCNN TwoMLPHead FastRCNNConvFCHead FastRCNNPredictor"
    ),
    "torchvision.models.detection.fcos": "FCOSHead FCOSClassificationHead FCOSRegressionHead FCOS",
    "torchvision.models.detection.keypoint_rcnn": (
        "KeypointRCNN KeypointRCNNHeads KeypointRCNNPredictor"
    ),
    "torchvision.models.detection.mask_rcnn": "MaskRCNN MaskRCNNHeads MaskRCNNPredictor",
    "torchvision.models.detection.retinanet": (
        "RetinaNetHead RetinaNetClassificationHead RetinaNetRegressionHead RetinaNet"
    ),
    "torchvision.models.detection.roi_heads": "RoIHeads",
    "torchvision.models.detection.rpn": "RPNHead RegionProposalNetwork",
    "torchvision.models.detection.ssd": (
        "SSDHead SSDScoringHead SSDClassificationHead SSDRegressionHead SSD SSDFeatureExtractorVGG"
    ),
    "torchvision.models.detection.ssdlite": (
        "SSDLiteHead SSDLiteClassificationHead SSDLiteRegressionHead "
        "SSDLiteFeatureExtractorMobileNet"
    ),
    "torchvision.models.detection.transform": "GeneralizedRCNNTransform",
    "torchvision.models.efficientnet": "MBConv FusedMBConv EfficientNet",
    "torchvision.models.googlenet": "GoogLeNet Inception InceptionAux BasicConv2d",
    "torchvision.models.inception": (
        "Inception3 InceptionA InceptionB InceptionC InceptionD InceptionE InceptionAux BasicConv2d"
    ),
    "torchvision.models.maxvit": (
        "MBConv RelativePositionalMultiHeadAttention SwapAxes WindowPartition WindowDepartition "
        "PartitionAttentionLayer MaxVitLayer MaxVitBlock MaxVit"
    ),
    "torchvision.models.mnasnet": "_InvertedResidual MNASNet",
    "torchvision.models.mobilenetv2": "InvertedResidual MobileNetV2",
    "torchvision.models.mobilenetv3": "InvertedResidual MobileNetV3",
    "torchvision.models.optical_flow.raft": (
        "ResidualBlock BottleneckBlock FeatureEncoder MotionEncoder ConvGRU RecurrentBlock "
        "FlowHead UpdateBlock MaskPredictor CorrBlock RAFT"
    ),
    "torchvision.models.regnet": (
        "SimpleStemIN BottleneckTransform ResBottleneckBlock AnyStage RegNet"
    ),
    "torchvision.models.resnet": "BasicBlock Bottleneck ResNet",
    "torchvision.models.segmentation._utils": "_SimpleSegmentationModel",
    "torchvision.models.segmentation.deeplabv3": "DeepLabV3 DeepLabHead ASPPConv ASPPPooling ASPP",
    "torchvision.models.segmentation.fcn": "FCN FCNHead",
    "torchvision.models.segmentation.lraspp": "LRASPP LRASPPHead",
    "torchvision.models.shufflenetv2": "InvertedResidual ShuffleNetV2",
    "torchvision.models.squeezenet": "Fire SqueezeNet",
    "torchvision.models.swin_transformer": (
        "PatchMerging PatchMergingV2 ShiftedWindowAttention ShiftedWindowAttentionV2 "
        "SwinTransformerBlock SwinTransformerBlockV2 SwinTransformer"
    ),
    "torchvision.models.vgg": "VGG",
    "torchvision.models.video.mvit": (
        "Pool MultiscaleAttention MultiscaleBlock PositionalEncoding MViT"
    ),
    "torchvision.models.video.resnet": (
        "Conv3DSimple Conv2Plus1D Conv3DNoTemporal BasicBlock Bottleneck BasicStem R2Plus1dStem "
        "VideoResNet"
    ),
    "torchvision.models.video.s3d": "TemporalSeparableConv SepInceptionBlock3D S3D",
    "torchvision.models.video.swin_transformer": (
        "ShiftedWindowAttention3d PatchEmbed3d SwinTransformer3d"
    ),
    "torchvision.models.vision_transformer": "MLPBlock EncoderBlock Encoder VisionTransformer",
    "torchvision.ops.deform_conv": "DeformConv2d",
    "torchvision.ops.drop_block": "DropBlock2d DropBlock3d",
    "torchvision.ops.feature_pyramid_network": (
        "ExtraFPNBlock FeaturePyramidNetwork LastLevelMaxPool LastLevelP6P7"
    ),
    "torchvision.ops.misc": (
        "FrozenBatchNorm2d ConvNormActivation Conv2dNormActivation Conv3dNormActivation "
        "SqueezeExcitation MLP Permute"
    ),
    "torchvision.ops.poolers": "MultiScaleRoIAlign",
    "torchvision.ops.ps_roi_align": "PSRoIAlign",
    "torchvision.ops.ps_roi_pool": "PSRoIPool",
    "torchvision.ops.roi_align": "RoIAlign",
    "torchvision.ops.roi_pool": "RoIPool",
    "torchvision.ops.stochastic_depth": "StochasticDepth",
}
"""Layers, and models made of them, by the module that defines them."""

PARTS: Mapping[str, str] = {
    "builtins": "object",
    "uuid": "UUID",
    "torch.nn.modules.module": "_WrappedHook",
    "torch.nn.utils.prune": (
        "PruningContainer Identity RandomUnstructured L1Unstructured RandomStructured LnStructured "
        "CustomFromMask"
    ),
    "torch.nn.utils.spectral_norm": (
        "SpectralNorm SpectralNormLoadStateDictPreHook SpectralNormStateDictHook"
    ),
    "torch.nn.utils.weight_norm": "WeightNorm",
    "torch.optim": "Adafactor Muon",
    "torch.optim._adafactor": "Adafactor",
    "torch.optim._muon": "Muon",
    "torch.optim.adadelta": "Adadelta",
    "torch.optim.adagrad": "Adagrad",
    "torch.optim.adam": "Adam",
    "torch.optim.adamax": "Adamax",
    "torch.optim.adamw": "AdamW",
    "torch.optim.asgd": "ASGD",
    "torch.optim.lbfgs": "LBFGS",
    "torch.optim.lr_scheduler": (
        "LRScheduler LambdaLR MultiplicativeLR StepLR MultiStepLR ConstantLR LinearLR "
        "ExponentialLR SequentialLR PolynomialLR CosineAnnealingLR ChainedScheduler "
        "ReduceLROnPlateau CyclicLR "
        "CosineAnnealingWarmRestarts OneCycleLR"
    ),
    "torch.optim.nadam": "NAdam",
    "torch.optim.radam": "RAdam",
    "torch.optim.rmsprop": "RMSprop",
    "torch.optim.rprop": "Rprop",
    "torch.optim.sgd": "SGD",
    "torch.optim.sparse_adam": "SparseAdam",
    "torch.optim.swa_utils": "SWALR",
    "torchvision.models.detection._utils": (
        "BalancedPositiveNegativeSampler BoxCoder BoxLinearCoder Matcher SSDMatcher"
    ),
    "torchvision.ops.poolers": "LevelMapper",
}
"""What layers and trainings hold besides: hooks of PyTorch itself, optimizers, schedules."""

_NN = (
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d "
    "adaptive_max_pool2d adaptive_max_pool3d affine_grid alpha_dropout avg_pool1d avg_pool2d "
    "avg_pool3d batch_norm bilinear binary_cross_entropy binary_cross_entropy_with_logits celu "
    "celu_ channel_shuffle conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d "
    "conv_transpose3d cosine_embedding_loss cosine_similarity cross_entropy ctc_loss dropout "
    "dropout1d dropout2d dropout3d elu elu_ embedding embedding_bag feature_alpha_dropout fold "
    "fractional_max_pool2d fractional_max_pool3d gaussian_nll_loss gelu gelu_ glu grid_sample "
    "group_norm gumbel_softmax hardshrink hardsigmoid hardsigmoid_ hardswish hardswish_ hardtanh "
    "hardtanh_ hinge_embedding_loss huber_loss instance_norm interpolate kl_div l1_loss layer_norm "
    "leaky_relu leaky_relu_ linear local_response_norm log_sigmoid log_softmax logsigmoid "
    "lp_pool1d lp_pool2d lp_pool3d margin_ranking_loss max_pool1d max_pool2d max_pool3d "
    "max_unpool1d max_unpool2d max_unpool3d mish mish_ mse_loss multi_head_attention_forward "
    "multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss nll_loss normalize "
    "one_hot pad pairwise_distance pdist pixel_shuffle pixel_unshuffle poisson_nll_loss prelu relu "
    "relu6 relu6_ relu_ rms_norm rrelu rrelu_ scaled_dot_product_attention selu selu_ sigmoid silu "
    "silu_ smooth_l1_loss soft_margin_loss softmax softmin softplus softshrink softsign tanh "
    "tanhshrink threshold threshold_ triplet_margin_loss triplet_margin_with_distance_loss unfold "
    "upsample upsample_bilinear upsample_nearest"
)
FUNCTIONS: Mapping[str, str] = {
    "torch.nn.functional": _NN,
    "torch._C._nn": _NN,
    "torch": (
        "abs acos acosh add addmm all amax amin any argmax argmin asin asinh atan atan2 atanh "
        "baddbmm bernoulli bmm cat ceil celu chunk clamp clone concat cos cosh cosine_similarity "
        "cumprod cumsum diag div dot dropout einsum eq erf erfc erfinv exp exp2 expm1 flatten flip "
        "floor fmod frac full_like gather ge gt hardshrink heaviside index_select isfinite isinf "
        "isnan layer_norm le lerp lgamma log log10 log1p log2 log_softmax logit logsumexp lt "
        "masked_fill matmul max maximum mean median min minimum mm movedim mul multiply mv "
        "nan_to_num ne neg negative norm ones_like outer permute pow prelu prod rand_like "
        "randn_like reciprocal relu relu_ remainder reshape roll round rrelu rsqrt rsub selu selu_ "
        "sgn sigmoid sigmoid_ sign sin sinc sinh softmax sort split sqrt square squeeze stack std "
        "sub subtract sum swapaxes t tan tanh tanh_ tensordot threshold tile topk transpose tril "
        "triu true_divide trunc unbind unsqueeze var where zeros_like"
    ),
    "torch.special": (
        "airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 digamma entr erf erfc erfcx erfinv exp2 "
        "expit expm1 gammainc gammaincc gammaln i0 i0e i1 i1e log1p log_ndtr log_softmax logit "
        "logsumexp multigammaln ndtr ndtri polygamma psi round sinc softmax xlog1py xlogy zeta"
    ),
    "torch.linalg": (
        "cholesky cond cross det diagonal eig eigh eigvals eigvalsh inv lstsq lu matmul matrix_exp "
        "matrix_norm matrix_power matrix_rank multi_dot norm pinv qr slogdet solve "
        "solve_triangular svd svdvals tensorinv tensorsolve vander vecdot vector_norm"
    ),
    "torchvision.ops": (
        "batched_nms box_area box_convert box_iou clip_boxes_to_image complete_box_iou "
        "distance_box_iou generalized_box_iou nms remove_small_boxes roi_align roi_pool "
        "sigmoid_focal_loss stochastic_depth"
    ),
    "torchvision.models.optical_flow.raft": "_pass_through_h",
    "math": (
        "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh degrees dist erf erfc "
        "exp exp2 expm1 fabs floor fmod gamma gcd hypot isclose isfinite isinf isnan lcm ldexp "
        "lgamma log log10 log1p log2 modf nextafter pow prod radians remainder sin sinh sqrt tan "
        "tanh trunc ulp"
    ),
    "builtins": (
        "abs bool bytes complex dict float frozenset int len list max min object range round set "
        "slice str sum tuple"
    ),
}
"""Functions and plain types, by the module that they are found in."""

CONSTANTS: Mapping[str, str] = {
    "torch": (
        "bfloat16 bool channels_last channels_last_3d complex128 complex32 complex64 "
        "contiguous_format float16 float32 float64 float8_e4m3fn float8_e4m3fnuz float8_e5m2 "
        "float8_e5m2fnuz float8_e8m0fnu int16 int32 int64 int8 preserve_format strided uint16 "
        "uint32 uint64 uint8"
    ),
}
"""Values that are found by their name."""
